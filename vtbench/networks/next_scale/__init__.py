"""Pieces of transformers that predict a whole scale at once; in go positions of scales, out come as many.

Beside them lies the residual quantiser whose tokens they predict.

Source of layout and names: Tian et al., Visual Autoregressive Modeling, 2404.02905, and the families after it.
"""
