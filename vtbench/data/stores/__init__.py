"""Files by path or by URL, read in parts.

In goes a path, a URL or a pattern of them; out come files that tell their size and give any range of their bytes. No
format is known here, and every failure names the file with the secrets of its URL masked.
"""
