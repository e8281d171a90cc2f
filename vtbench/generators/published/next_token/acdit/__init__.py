"""ACDiT's generators (Hu et al. 2024). The generator is in ``adapter``; network, sizes and loop stand beside it."""
