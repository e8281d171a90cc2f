"""Masked generation: all tokens at once from a mask, the surest kept a step, in ways that no other sample can change.

In go a network that fills masked places, settings and seeds; out come tokens. ``refining`` is the loop.
"""
