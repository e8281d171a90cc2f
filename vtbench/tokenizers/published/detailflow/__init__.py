"""DetailFlow's coarse-to-fine one-dimensional tokenizers. The tokenizer is in ``adapter``."""
