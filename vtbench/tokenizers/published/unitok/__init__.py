"""UniTok's tokenizer of several codebooks a position. The tokenizer is in ``adapter``."""
