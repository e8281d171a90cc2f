"""NSARM (Kong et al. 2025): Infinity that enlarges an image, whose first scales another network makes of it."""
