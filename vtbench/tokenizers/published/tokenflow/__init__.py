"""TokenFlow: codes that mean and show, chosen together. The tokenizer is in ``adapter``."""
