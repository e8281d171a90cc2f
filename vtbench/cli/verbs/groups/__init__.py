"""Verbs with verbs of their own, such as ``vtbench leaderboard add``."""
