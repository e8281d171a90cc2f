"""``vtbench stats``: reference statistics of a set of images, streamed."""
