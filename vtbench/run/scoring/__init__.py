"""Stored blocks to a record: folded in order, in float64, without a model or a GPU.

In goes a job's folder; out come values with intervals, warnings, and ``record.json``.
"""
