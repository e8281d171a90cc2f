"""Images from folders, archives, tables, hubs and programs, one form a file.

In goes where they lie; out comes a data set: ids, a fingerprint, and samples as stored.
"""
