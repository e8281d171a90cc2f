"""SoftVQ-VAE's and MAETok's one-dimensional continuous tokenizers. The tokenizer is in ``adapter``."""
