"""Verbs that take in what was found elsewhere, without a model: in go files, out come records."""
