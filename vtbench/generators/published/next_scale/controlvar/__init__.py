"""ControlVAR (Li et al. 2024): scales of a control map and of its image, side by side; see ``adapter``."""
