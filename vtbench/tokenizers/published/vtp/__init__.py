"""VTP's vision transformer that encodes latents, and its decoder of pixels. The tokenizer is in ``adapter``."""
