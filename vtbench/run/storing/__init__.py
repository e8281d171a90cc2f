"""Files of a run folder: blocks, rows, features, references, and the plan they belong to.

In go what was measured and of what; out come sealed files, and their content where it is whole.
"""
