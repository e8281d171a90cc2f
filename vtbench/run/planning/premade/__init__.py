"""Samples that are no images and were made elsewhere: what a task compares of them, and with what."""
