"""MGVQ: a deep-compression autoencoder around several codebooks. The tokenizer is in ``adapter``."""
