"""Where code lies and what hangs on it: whose a file is, what it imports, which numbers and files it holds.

In go modules, objects and arguments; out come paths and digests. Nothing of theirs is imported or run.
"""
