"""Sets of point clouds: a path or a name in, clouds of as many points as are asked for out. No torch."""
