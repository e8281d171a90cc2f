"""Value types, contracts, the registry and errors. Imports nothing else of vtbench, and no torch at import time."""
