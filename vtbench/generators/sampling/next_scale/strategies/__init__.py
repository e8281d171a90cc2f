"""Other ways through the scales than the plain one; in goes a host, out come its codes, or others for less.

Each is a frozen value that wraps the loop and never the network; ``strategy`` beside this folder says how.
"""
