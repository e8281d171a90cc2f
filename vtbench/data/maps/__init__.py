"""Maps of labels, depths or normals in files: a folder in, arrays by stem out. No torch."""
