"""Layouts of judges' files, one benchmark a file: text in, values by prompt out.

A reader trusts nothing: what cannot be read is told with its file and line, what has no value is counted.
"""
