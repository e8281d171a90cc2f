"""Hita's holistic and local tokens, beside a frozen DINOv2. The tokenizer is in ``adapter``."""
