"""What people and other programs are told of a run: made from its RunRecord, never from the live world."""
