"""Cosmos' image tokenizers: a Haar transform, a convolutional autoencoder, latents or finite scalars."""
