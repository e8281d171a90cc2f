"""Generators that come with vtbench, weights included, and how those were made."""
