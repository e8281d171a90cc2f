"""VFMTok: queries that look up DINOv2's features where they like. The tokenizer is in ``adapter``."""
