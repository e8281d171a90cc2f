"""VAR's multi-scale residual VQ-VAE. The tokenizer is in ``adapter``."""
