"""Extractors of whole images by one library's call each: timm's networks that FDr is defined on, and small pixels.

In goes ``uint8 [B,3,H,W]``, out comes one vector an image.
"""
