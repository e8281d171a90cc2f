"""Weights and statistics of vtbench's reference zoo. There is no code here: vtbench reads the files."""
