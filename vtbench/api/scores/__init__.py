"""Metrics as objects on tensors: in come images, out come a value an image or an estimate of sets."""
