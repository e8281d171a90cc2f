"""Dense maps against the truth: a pair of arrays in, counts or one value a map out. No torch."""
