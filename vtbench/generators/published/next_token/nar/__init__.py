"""NAR (He et al. 2025): neighbours of what is there, an anti-diagonal a pass. The generator is in ``adapter``."""
