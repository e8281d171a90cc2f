"""Files of our own: written whole or not at all, inside their folder, with a failure that names the path.

In go a path and bytes; out comes a file that is complete, or one :class:`~vtbench.core.errors.VtbenchError` in words.
"""
