"""Vendors of prices that are polled: what they say is made of the simulated markets and a little old, as theirs is."""
