"""ELM's masked generators (Liu et al. 2024) over tokens of 16 bits. The generator is in ``adapter``."""
