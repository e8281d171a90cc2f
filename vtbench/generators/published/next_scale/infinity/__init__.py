"""Infinity (Han et al. 2024): bits instead of indices, text instead of classes. The generator is in ``adapter``."""
