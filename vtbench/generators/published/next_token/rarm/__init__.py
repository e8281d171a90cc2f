"""Retrieval-augmented autoregressive models, RARM (Blattmann et al. 2022). The generator is in ``adapter``."""
