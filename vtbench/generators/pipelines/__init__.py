"""Generators that are pipelines of the diffusers library.

In goes a folder; out comes a generator. Every tensor is accounted for, and no code of the folder runs.
"""
