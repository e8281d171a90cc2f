"""Leaderboards: CSVs that follow from a folder of records, and reported numbers beside them.

In go records and published rows; out come files, frames and problems.
"""
