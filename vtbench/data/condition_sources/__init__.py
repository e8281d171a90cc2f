"""Where the conditions of a generation task come from beside a plain list: layouts of benchmarks, embedded sets.

In: a reference, ``NAME[,key=value…]``. Out: something with ``conditions``, a
:class:`~vtbench.data.conditions.ConditionSet` whose ids end in ``-s00``, ``-s01`` … where several images are asked for
by one line. Others open them by :func:`vtbench.data.condition_sources.opening.open_conditions`.
"""

from vtbench.core.registry import Registry

CONDITION_SOURCES = Registry(
    "source of conditions",
    "vtbench.conditions",
    {
        "geneval-scenes": "vtbench.data.condition_sources.geneval_scenes:GenevalScenes",
        "mjhq": "vtbench.data.condition_sources.mjhq:Mjhq",
        "of-images": "vtbench.data.condition_sources.of_images:OfImages",
        "maps-of": "vtbench.estimators.conditions:MapsOf",
        "edit-mini": "vtbench.data.condition_sources.embedded.edit_mini:EditMini",
        "emu-edit": "vtbench.data.condition_sources.emu_edit:EmuEdit",
        "magicbrush": "vtbench.data.condition_sources.magicbrush:MagicBrush",
        "dreambench": "vtbench.data.condition_sources.dreambench:DreamBench",
        "subjects-mini": "vtbench.data.condition_sources.embedded.subjects_mini:SubjectsMini",
        "pairs": "vtbench.data.condition_sources.pairs:Pairs",
        "sr-mini": "vtbench.data.condition_sources.embedded.sr_mini:SrMini",
        "pie-bench": "vtbench.data.condition_sources.pie_bench:PieBench",
    },
)
