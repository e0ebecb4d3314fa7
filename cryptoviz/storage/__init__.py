"""The lake as it lies: Delta tables, the objects beside them, and how they are read and replaced."""
