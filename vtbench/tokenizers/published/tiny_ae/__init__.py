"""Tiny autoencoders from their author's files: TAEF2, which no class of a library has."""
