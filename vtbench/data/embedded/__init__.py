"""Data sets that come with vtbench: real photographs and drawn pages, the same bits on every machine, no network.

In goes nothing; out come data sets. ``photographs`` picks, ``drawing`` draws.
"""
