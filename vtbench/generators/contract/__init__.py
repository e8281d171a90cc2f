"""The contract of generator adapters, checked on a few samples.

In goes a generator; out comes a result a check. ``vtbench doctor`` prints them.
"""

from vtbench.generators.contract.examination import CheckResult, check_generator

__all__ = ["CheckResult", "check_generator"]
