"""``vtbench verify``: stored runs and records against their digests and against one another, offline.

In go places; out come findings.
"""
