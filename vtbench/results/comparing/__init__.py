"""Two runs against each other: differences with intervals, and whether a gate stays shut.

In go places of runs, baselines and models; out come comparisons, findings and a verdict. ``check`` decides.
"""
