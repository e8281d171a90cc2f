"""Maps against the truth: a block of stems in; rows, counts and values of every sample out."""
