"""Taming transformers' GPT (Esser et al. 2021), class-conditional on ImageNet. The generator is in ``adapter``."""
