"""Hita (Zheng et al. 2025): tokens of the whole image, then of its places. The generator is in ``adapter``."""
