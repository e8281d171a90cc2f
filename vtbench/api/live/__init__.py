"""Objects of the caller's: in come models and images as somebody holds them, out come sources and data sets of a run.

``sources`` and ``data`` are what others use; ``lending`` gives a model back as it was.
"""
