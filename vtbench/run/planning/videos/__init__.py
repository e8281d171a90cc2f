"""Tasks of clips: which data and models do for them.

In go data and sources as they were named; out come those that clips are taken of, or why they do not do.
"""
