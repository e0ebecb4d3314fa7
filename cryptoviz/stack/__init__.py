"""The local launcher: obtains the real components, starts, watches and stops them on one machine."""
