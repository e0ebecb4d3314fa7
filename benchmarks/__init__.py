"""Benchmarks: each prints peers side by side in one run."""
