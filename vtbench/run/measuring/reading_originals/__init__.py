"""Text without a truth of its own: what a reader reads on the original stands for it.

In: pairs of images. Out: counts by column. Others use :mod:`.chosen`, which knows which task is scored how.
"""
