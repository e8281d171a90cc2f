"""Networks fitted to what people prefer: image and prompt to a score, on classes of open_clip and transformers."""
