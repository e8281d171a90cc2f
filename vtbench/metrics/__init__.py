"""Image metrics, set metrics and code metrics, one family a file; :mod:`vtbench.metrics.catalog.lookup` names them."""
