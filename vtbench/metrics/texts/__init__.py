"""Metrics of text: how far what a reader read is from the truth, over an image or a part of it.

In go strings; out come counts of errors and of characters, whose sums make a rate.
"""
