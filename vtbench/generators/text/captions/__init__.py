"""Prompts to captions as T5 was shown them by DeepFloyd IF, PixArt and LlamaGen: named rules, each tested by itself.

``cleaning`` is the door. A caption that needs a library for a rule is refused where that library is missing; what is
cleaned is the same with and without it.
"""
