"""ELM's binary autoencoders. The tokenizer is in ``adapter``."""
