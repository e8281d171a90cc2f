"""Published checkpoints: their cards, and how a card's file is found, read and accounted for tensor by tensor.

In go a name or a place; out come tensors in the names of our modules, and what was read. Nothing in a file runs.
"""
