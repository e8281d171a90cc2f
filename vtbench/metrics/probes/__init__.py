"""Classifiers of what a tokenizer makes of images.

In go features of labelled images and which of them are tried; out come the labels that are told of those. Codes and
latents become features here, too.
"""
