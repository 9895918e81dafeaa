"""Runs passes by a schedule, tells systemd, Prometheus and the log how they went, and is killed by none of them."""
