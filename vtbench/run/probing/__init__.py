"""Fit a small, fixed network on the codes of a finished job, and ask it what codes of held-out images cost.

In go stored codes and what the task states of the fit; out come bits a token of every image, one file a seed. Needs the
run folder only, and a device to fit on.
"""
