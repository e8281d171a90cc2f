"""Denoising of what is no index: a diffusion process over few of its steps, guidance on the noise that is predicted.

In go a network that predicts noise, its condition and random numbers; out come values. ``process`` holds the formulas,
``denoising`` the loop.
"""
