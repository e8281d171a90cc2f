"""Switti (Voronov et al. 2024): scales that see themselves and the text alone. The generator is in ``adapter``."""
