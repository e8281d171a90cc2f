"""A model asked again: of altered images, of its own output, and of perturbed codes.

In goes a batch and what the model made of it; out come columns of rows and row-aligned tensors for the block's files.
"""
