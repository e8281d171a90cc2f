"""XQ-GAN, ImageFolder and RobustTok: queries through DINOv2's network. The tokenizer is in ``adapter``."""
