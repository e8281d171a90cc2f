"""DiGIT (Zhu et al. 2024): codes of DINOv2's features, then those of pixels. The generator is in ``adapter``."""
