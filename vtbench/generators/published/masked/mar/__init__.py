"""MAR's generators (Li et al. 2024). The generator is in ``adapter``; its network and sizes stand beside it."""
