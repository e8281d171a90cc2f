"""Generators of the literature, by the order in which they make an image; ``base`` holds what all share.

In go arguments and a card; out comes a generator that samples what the authors' own code would have drawn.
"""
