"""Autoencoders in the layout of taming-transformers and latent-diffusion; diffusers' classes behind ``adapter``."""
