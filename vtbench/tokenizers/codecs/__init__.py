"""Codecs that need no weights: JPEG, WebP, AVIF, a smaller image, and the image itself."""
