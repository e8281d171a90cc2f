"""TiTok's one-dimensional tokenizers. The tokenizer is in ``adapter``."""
