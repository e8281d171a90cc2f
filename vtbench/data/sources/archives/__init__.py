"""Members of tars: where the bytes of every sample lie, found by going through the files or told by an index."""
