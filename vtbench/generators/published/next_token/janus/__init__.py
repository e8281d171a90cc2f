"""Janus-Pro (Chen et al. 2025), which reads a prompt and draws an image. The generator is in ``adapter``."""
