"""Reconstructions made outside this process: by a program, or in a folder, matched to samples by name."""
