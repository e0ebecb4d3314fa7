"""A venue to develop and test against: speaks the venues' protocols from a seed, injects faults, owns the truth."""
