"""IBQ's generators (Shi et al. 2024): LlamaGen's blocks, modulated by the class. The generator is in ``adapter``."""
