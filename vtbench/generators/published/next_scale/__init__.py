"""Generators that predict a scale of tokens at a time, from the coarsest on; ``base`` holds what they share."""
