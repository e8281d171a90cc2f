"""JPEG-LM (Han et al. 2024): a language model of the bytes of JPEG files. The generator is in ``adapter``."""
