"""Registries of packages: an archive out of one, by its ordinary client and checked, of which one member is read."""
