"""Generators, one family a file, imported when asked for."""

from vtbench.core.reference import NAME
from vtbench.core.registry import Registry

GENERATORS = Registry(
    "generator",
    "vtbench.generators",
    {
        "folder": "vtbench.generators.premade:FolderSamples",
        "npz": "vtbench.generators.premade:NpzSamples",
        "command": "vtbench.generators.command:CommandGenerator",
        "diffusers-pipeline": "vtbench.generators.diffusers_pipeline:DiffusersPipeline",
        "tiny-ar": "vtbench.generators.tiny_ar:TinyAr",
    },
    universal=(NAME,),
)
