"""Metrics of whole sets from stored features: distances of distributions, and the statistics they need.

In go feature matrices or statistics; out come estimates by name.
"""
