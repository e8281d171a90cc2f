"""LlamaGen (Sun et al. 2024), the host of most next-token generators after it. The generator is in ``adapter``."""
