"""FlexVAR (Jiao et al. 2025) and what is retrained of it. The generator is in ``adapter``."""
