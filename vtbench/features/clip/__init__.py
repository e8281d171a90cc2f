"""CLIP: its weights, image embeddings for distances of sets, and directions of images and texts for scores.

model        variants, weights, and how pixels are standardised
extractors   ``fd_clip`` and its like
directions   both towers, as scores of single images need them
"""
