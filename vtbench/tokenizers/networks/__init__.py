"""Networks of published tokenizers whose state dicts have the published names; each is imported by its adapter."""
