"""What a finished job left: the record, its rows, and what follows from them. No torch.

In go files; out come frozen values, aggregates and intervals.
"""
