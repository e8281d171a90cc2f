"""Generators, one family a file, imported when asked for."""

from vtbench.core.naming.reference import NAME
from vtbench.core.registry import Registry

GENERATORS = Registry(
    "generator",
    "vtbench.generators",
    {
        "folder": "vtbench.generators.elsewhere.premade:FolderSamples",
        "npz": "vtbench.generators.elsewhere.premade:NpzSamples",
        "command": "vtbench.generators.elsewhere.command:CommandGenerator",
        "diffusers-pipeline": "vtbench.generators.pipelines.diffusers:DiffusersPipeline",
        "acdit": "vtbench.generators.published.next_token.acdit.adapter:Acdit",
        "d-ar": "vtbench.generators.published.next_token.d_ar:DAr",
        "detailflow-gpt": "vtbench.generators.published.next_token.detailflow.adapter:DetailFlowGpt",
        "digit": "vtbench.generators.published.next_token.digit.adapter:Digit",
        "elm-ar": "vtbench.generators.published.next_token.elm.adapter:ElmAr",
        "elm-mlm": "vtbench.generators.published.masked.elm.adapter:ElmMlm",
        "flexvar": "vtbench.generators.published.next_scale.flexvar.adapter:FlexVar",
        "emu3": "vtbench.generators.published.next_token.emu3.adapter:Emu3",
        "gigatok-gpt": "vtbench.generators.published.next_token.gigatok:GigaTokGpt",
        "hi-mar": "vtbench.generators.published.masked.hi_mar.adapter:HiMar",
        "hita-gpt": "vtbench.generators.published.next_token.hita.adapter:HitaGpt",
        "hmar": "vtbench.generators.published.next_scale.hmar.adapter:Hmar",
        "ibq-ar": "vtbench.generators.published.next_token.ibq.adapter:IbqAr",
        "imagegpt": "vtbench.generators.published.next_token.imagegpt.adapter:ImageGpt",
        "jpeg-lm": "vtbench.generators.published.next_token.jpeg_lm.adapter:JpegLm",
        "janus": "vtbench.generators.published.next_token.janus.adapter:Janus",
        "infinity": "vtbench.generators.published.next_scale.infinity.adapter:Infinity",
        "llamagen": "vtbench.generators.published.next_token.llamagen.adapter:LlamaGen",
        "mar": "vtbench.generators.published.masked.mar.adapter:Mar",
        "maskbit-generator": "vtbench.generators.published.masked.maskbit.adapter:MaskBitGenerator",
        "nar": "vtbench.generators.published.next_token.nar.adapter:Nar",
        "open-magvit2-ar": "vtbench.generators.published.next_token.open_magvit2.adapter:OpenMagvit2Ar",
        "rar": "vtbench.generators.published.next_token.rar.adapter:Rar",
        "rarm": "vtbench.generators.published.next_token.rarm.adapter:Rarm",
        "taming-gpt": "vtbench.generators.published.next_token.taming.adapter:TamingGpt",
        "titok-generator": "vtbench.generators.published.masked.titok.adapter:TiTokGenerator",
        "var": "vtbench.generators.published.next_scale.var.adapter:Var",
        "tiny-ar": "vtbench.generators.fitted.tiny_ar:TinyAr",
    },
    universal=(NAME,),
)
