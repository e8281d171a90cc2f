"""Prompts to what a generator's network reads of them: text in, features and a mask out, each prompt by itself.

``encoder`` is the door: :func:`~vtbench.generators.text.encoder.text_encoder`. How a family treats text is a frozen
:class:`~vtbench.generators.text.rules.TextRule`.
"""
