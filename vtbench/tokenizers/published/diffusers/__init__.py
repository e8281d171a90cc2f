"""Autoencoders of the diffusers library: a folder with ``config.json`` and weights in, a tokenizer out.

:mod:`.adapter` has what all share, :mod:`.images` the classes with a name of their own, :mod:`.any_class` every other
one, video autoencoders fed one frame included; :mod:`.rae` and :mod:`.scalar` those that need more than that.
"""
