"""BSQ-ViT: transformers with binary spherical quantisation (Zhao et al.). The tokenizer is in ``adapter``."""
