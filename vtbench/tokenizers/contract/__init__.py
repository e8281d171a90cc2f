"""The contract of tokenizer adapters, checked on real photographs.

In goes a tokenizer; out comes a result a check. ``vtbench doctor`` prints them.
"""

from vtbench.tokenizers.contract.examination import CheckResult, check_tokenizer

__all__ = ["CheckResult", "check_tokenizer"]
