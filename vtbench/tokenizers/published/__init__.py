"""Tokenizers of the literature, one family a file; a family with a network of its own is a folder.

In go arguments and a card; out comes a tokenizer. ``base`` holds what all share.
"""
