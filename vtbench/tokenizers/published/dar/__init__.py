"""D-AR's sequential diffusion tokenizer. The tokenizer is in ``adapter``."""
