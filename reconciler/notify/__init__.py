"""Tells people what is new since they were last told, and a dead-man's switch that runs are complete."""
