"""Open-MAGVIT2's generators (Luo et al. 2024): a token of 18 bits is drawn in two parts."""
