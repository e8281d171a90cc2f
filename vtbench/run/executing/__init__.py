"""One job from its plan to its record: blocks shared among workers, measured, checked, scored, or used again.

In goes a planned job; out comes what became of it.
"""
