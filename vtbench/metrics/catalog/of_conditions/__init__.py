"""Names of condition metrics by benchmark, and what tasks need to know of one: parts of ``catalog.conditioned``."""
