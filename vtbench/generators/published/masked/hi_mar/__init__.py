"""Hi-MAR's generators (Zheng et al. 2025). The generator is in ``adapter``; network, sizes and loop stand beside it.

Written from its paper and from the names and shapes of its files; its authors state no licence for their code.
"""
