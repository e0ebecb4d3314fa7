"""Walk-forward evaluation: every forecast from what was known at its issue, scored beside what needs no model."""
