"""``docs/zoo.md`` and its figures: ``python -m vtbench.zoo.page leaderboards docs``."""
