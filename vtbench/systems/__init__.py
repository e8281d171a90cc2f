"""What vtbench runs of each system of the literature, and of each tokenizer that VTBench compared.

In goes ``coverage.yaml``; out comes ``docs/systems.md``. Every command is held against what is registered.
"""
