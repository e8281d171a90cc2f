"""Samples against the images that their generator was trained on: jobs that go beside a job, codes, and nearest pairs.

In go stored codes and what set metrics found; out come results, and pairs for pictures.
"""
