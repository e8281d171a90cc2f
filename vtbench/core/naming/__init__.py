"""``NAME[,key=value…]``: what a person types becomes a target and the arguments of its call, without importing it.

In goes text; out come a :class:`~vtbench.core.naming.reference.Reference`, and values as the parameters' annotations
want them.
"""
