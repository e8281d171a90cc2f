"""What a sampler's settings cost: generators of the zoo at many of them, and the shapes that are looked for.

``sweeps`` lists the settings, ``shapes`` tells what curves look like; the zoo's page shows both.
"""
