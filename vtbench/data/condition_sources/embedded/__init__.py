"""Conditions made of the photographs that come with vtbench: the same bits on every machine, no network.

In goes nothing but how many; out come conditions whose images are computed when they are asked for. Draws are seeded by
the name of the photograph's crop.
"""
