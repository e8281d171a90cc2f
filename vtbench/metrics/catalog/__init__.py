"""Every metric's name, meaning and version, by kind. No torch.

In goes a name; out come what it means and where it is computed: ``lookup`` answers, the others hold the entries.
"""
