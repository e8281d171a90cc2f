"""TiTok's generators (Yu et al. 2024). The generator is in ``adapter``; its two networks stand beside it."""
