"""The Python door: in come models, data and options as values, out come records and frames.

``vtbench.evaluate``, ``vtbench.Evaluator``, ``vtbench.reconstructor``, ``vtbench.sampler`` and ``vtbench.metric`` live
here and are reached by those names. They run the same plan → measure → score as the command line, and leave the
caller's process, model and disk as they were.
"""
