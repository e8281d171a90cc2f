"""Which model on which task, on which samples, in which folder; everything that can fail is told before any work.

In go names and options; out come jobs, models and references, and what an earlier run left of them.
"""
