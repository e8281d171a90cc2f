"""Masked generators: all tokens of an image at once, in a few steps from a mask."""
