"""Metrics of one video against its reference: of all its pixels, of how it moves, and of its frames as images.

In go ``uint8 [B,T,3,H,W]`` pairs; out comes ``float64 [B]``. Those of frames are the metrics of images.
"""
