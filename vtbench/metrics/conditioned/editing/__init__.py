"""Edited images against what they were edited from, and against what was wanted.

In: samples and conditions with images as ``source``, ``mask`` (white where the edit is) or ``truth``; out: a value a
sample. The edited part and the rest are told apart by ``masks``. Names and meanings are in
:mod:`vtbench.metrics.catalog.of_conditions.editing`.
"""
