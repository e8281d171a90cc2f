"""MaskBit's generators (Weber et al. 2024). The generator is in ``adapter``."""
