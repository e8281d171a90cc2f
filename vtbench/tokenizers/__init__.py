"""Tokenizers, one family a file, imported when asked for."""

from vtbench.core.reference import NAME
from vtbench.core.registry import Registry

IMAGES = "images"
"""A folder of reconstructions made elsewhere, ``--tokenizer images,path=DIR``: read by the runner, never created."""

TOKENIZERS = Registry(
    "tokenizer",
    "vtbench.tokenizers",
    {
        "identity": "vtbench.tokenizers.identity:Identity",
        "resize": "vtbench.tokenizers.resize:Resize",
        "jpeg": "vtbench.tokenizers.codec:Jpeg",
        "webp": "vtbench.tokenizers.codec:Webp",
        "avif": "vtbench.tokenizers.codec:Avif",
        "patch-vq": "vtbench.tokenizers.patch_vq:PatchVq",
        "patch-rvq": "vtbench.tokenizers.patch_vq:PatchRvq",
        "patch-bsq": "vtbench.tokenizers.patch_bsq:PatchBsq",
        "patch-pca": "vtbench.tokenizers.patch_pca:PatchPca",
        "command": "vtbench.tokenizers.command:CommandReconstructor",
        "diffusers-kl": "vtbench.tokenizers.diffusers:DiffusersKL",
        "diffusers-tiny": "vtbench.tokenizers.diffusers:DiffusersTiny",
        "diffusers-dc": "vtbench.tokenizers.diffusers:DiffusersDC",
        "diffusers-vq": "vtbench.tokenizers.diffusers:DiffusersVQ",
        "ldm-vq": "vtbench.tokenizers.ldm:LdmVQ",
        "ldm-kl": "vtbench.tokenizers.ldm:LdmKL",
        "janus-vq": "vtbench.tokenizers.janus_vq:JanusVQ",
        "var-vq": "vtbench.tokenizers.var_vq:VarVQ",
        "open-magvit2": "vtbench.tokenizers.open_magvit2:OpenMagvit2",
        "ibq": "vtbench.tokenizers.ibq:Ibq",
        "maskbit": "vtbench.tokenizers.maskbit:MaskBit",
        "bsq-vit": "vtbench.tokenizers.bsq_vit:BsqVit",
        "titok": "vtbench.tokenizers.titok:TiTok",
        "infinity-bsq": "vtbench.tokenizers.infinity_bsq:InfinityBsq",
        "elm-bae": "vtbench.tokenizers.elm_bae:ElmBae",
        "flowmo": "vtbench.tokenizers.flowmo:FlowMo",
        "gigatok": "vtbench.tokenizers.gigatok:GigaTok",
        "emu3-vq": "vtbench.tokenizers.emu3_vq:Emu3VQ",
        "hita": "vtbench.tokenizers.hita:Hita",
        "detailflow": "vtbench.tokenizers.detailflow:DetailFlow",
        "unitok-vq": "vtbench.tokenizers.unitok:UniTok",
        "dar": "vtbench.tokenizers.dar:DarTokenizer",
    },
    universal=(NAME,),
)
