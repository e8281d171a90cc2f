"""Fails to import, as a plug-in built for another version would."""

raise RuntimeError("this module is broken on purpose")
