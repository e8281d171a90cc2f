"""M-VAR (Ren et al. 2024): attention within a scale, a state space model from scale to scale; see ``adapter``."""
