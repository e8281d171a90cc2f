"""Metrics of a generated image against its condition: ``uint8 [B,3,H,W]`` and conditions to ``float64 [B]``.

Each is a :class:`~vtbench.core.contracts.ConditionMetric`, named in :mod:`vtbench.metrics.catalog.conditioned`. They
may use the metrics of image pairs; those know nothing of them.
"""
