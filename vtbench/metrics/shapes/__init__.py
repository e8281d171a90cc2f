"""Sets of point clouds: two clouds in, a distance out; distances of two sets in, MMD, COV and 1-NNA out. No torch."""
