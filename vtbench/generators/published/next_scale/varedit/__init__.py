"""VAREdit (Mao et al. 2025): Infinity that sees an image which it edits. The generator is in ``adapter``."""
