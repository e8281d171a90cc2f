"""Networks that predict the noise in a token or a map of tokens, given what a transformer knows of it.

In go noisy values, the time and a condition; out come the predicted noise and, of some, how wide a step may scatter.
"""
