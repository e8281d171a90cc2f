"""Calls into code that may not be ours: it harms nobody but itself, and what it leaves changed is put back.

In goes a callable of somebody else's, or a program; out comes what it returned, or what went wrong in words.
"""
