"""DetailFlow (Liu et al. 2025): from coarse to fine, a group of tokens a pass. The generator is in ``adapter``."""
