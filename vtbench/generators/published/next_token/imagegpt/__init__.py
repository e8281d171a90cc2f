"""ImageGPT (Chen et al. 2020): pixels of a palette, one after the other. The generator is in ``adapter``."""
