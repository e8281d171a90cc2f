"""Metrics of one image against its reference, or against its prompt, one family a file.

In go ``uint8 [B,3,H,W]`` pairs; out comes ``float64 [B]``.
"""
