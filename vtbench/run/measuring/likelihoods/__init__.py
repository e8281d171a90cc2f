"""How likely real images are under a generator: of their codes, teacher-forced, or of their pixels.

In go a block's prepared images and what the task tells of each; out come rows of bits and counts of codes.
"""
