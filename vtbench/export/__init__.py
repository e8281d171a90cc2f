"""Finished runs go in; what other tools keep comes out: TensorBoard, W&B, MLflow, a model card, CSV, Parquet.

Reads records only, never imports torch. Others call :func:`vtbench.export.destinations.export_runs`.
"""
