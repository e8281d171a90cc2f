"""RAR (Yu et al. 2024): generators in raster order, trained on permuted orders. The generator is in ``adapter``."""
