"""GenEval: is what a prompt names there, as often, in that colour, on that side? Rules over what a detector found.

The rules are functions of boxes; a detector (:mod:`vtbench.detectors`) and a classifier of colours are handed in.
"""
