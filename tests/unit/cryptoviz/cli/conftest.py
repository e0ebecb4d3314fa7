"""Typer imports names that click deprecates; that is theirs to mend, and warnings are errors here."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import typer.testing  # noqa: F401 - imported for the tests of this folder
