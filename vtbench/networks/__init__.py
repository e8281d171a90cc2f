"""Torch modules that several published families share, of tokenizers and generators alike.

In go tensors; out come tensors. A module that one family alone has lies beside that family.
"""
