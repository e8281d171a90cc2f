"""Weights: one manifest, several sources each, one verified canonical file whatever the source.

The environment: ``VTBENCH_ASSET_<NAME>`` (an explicit file), ``VTBENCH_ASSETS`` (folders), ``VTBENCH_CACHE``, and
``VTBENCH_OFFLINE=1``, which forbids the network. A file given by the user is a canonical one (as ``vtbench fetch``
leaves it in the cache) or a published one under its published name.
"""

from vtbench.assets.store import AssetStatus, fetch, fingerprint, load_tensors, names, resolve, status

__all__ = ["AssetStatus", "fetch", "fingerprint", "load_tensors", "names", "resolve", "status"]
