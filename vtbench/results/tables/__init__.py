"""Records as tables: for people, for machines, as pandas frames.

In go records; out come text and frames, with what must stand under them.
"""
