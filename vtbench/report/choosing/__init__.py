"""Which tokenizer at which rate. In: published rows, cards, records. Out: ``docs/choosing.md`` and its pictures.

Reported and measured numbers stand in sections of their own and are never compared: :mod:`.reported`, :mod:`.measured`.
"""
