"""Evidence of a run: all that an outsider needs to check it, in one file with its verifier."""
