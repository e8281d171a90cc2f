"""Metrics of codes: how a codebook is used, and how far sampled codes are from real ones.

In go sparse counts that add up block by block; out come values by level.
"""
