"""Tokenizers that are fitted here, on embedded photographs, and kept."""
