"""Emu3 (Wang et al. 2024): images as rows of tokens behind a prompt. The generator is in ``adapter``."""
