"""Bounds that keep one hostile or odd file from filling the memory."""

MAX_PIXELS = 178_956_970
"""Most pixels of a decoded or resized image: twice what Pillow warns of."""
