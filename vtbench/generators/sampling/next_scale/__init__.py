"""Next-scale generation: all tokens of a scale at once, from the coarsest on, each seeing the scales before it.

In go a network that predicts scales, an accumulator that makes the next input of codes, settings and seeds; out come
the codes of every scale. ``sampler`` is the loop, ``strategy`` what may change its way through the scales.
"""
