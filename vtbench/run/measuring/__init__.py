"""One block measured: predictions, rows, features, counts. The only place where a model runs.

In go prepared samples or conditions and a model; out come tensors and rows at rest.
"""
