"""vtbench: the evaluation harness for visual tokenizers and autoregressive image generators."""

from vtbench.version import __version__

__all__ = ["__version__"]
