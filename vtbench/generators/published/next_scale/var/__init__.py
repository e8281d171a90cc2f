"""VAR (Tian et al. 2024), the host of most next-scale generators after it. The generator is in ``adapter``."""
