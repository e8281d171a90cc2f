"""ELM's autoregressive generators (Liu et al. 2024): LlamaGen over groups of bits. The generator is in ``adapter``."""
