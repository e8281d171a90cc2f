"""Tokenizers, one family a file, imported when asked for."""

from vtbench.core.naming.reference import NAME
from vtbench.core.registry import Registry

IMAGES = "images"
"""A folder of reconstructions made elsewhere, ``--tokenizer images,path=DIR``: read by the runner, never created."""

PAIR = "pair"
"""One tokenizer's encoder with another's decoder, ``--tokenizer pair,encoder=NAME,decoder=NAME``."""

FRAMES = "frames"
"""An image tokenizer on clips, ``--tokenizer frames,of=NAME``, as a task of video takes it by itself."""

TOKENIZERS = Registry(
    "tokenizer",
    "vtbench.tokenizers",
    {
        "identity": "vtbench.tokenizers.codecs.identity:Identity",
        "resize": "vtbench.tokenizers.codecs.resize:Resize",
        "jpeg": "vtbench.tokenizers.codecs.pillow:Jpeg",
        "webp": "vtbench.tokenizers.codecs.pillow:Webp",
        "avif": "vtbench.tokenizers.codecs.pillow:Avif",
        "patch-vq": "vtbench.tokenizers.fitted.patch_vq:PatchVq",
        "patch-rvq": "vtbench.tokenizers.fitted.patch_vq:PatchRvq",
        "patch-bsq": "vtbench.tokenizers.fitted.patch_bsq:PatchBsq",
        "patch-pca": "vtbench.tokenizers.fitted.patch_pca:PatchPca",
        "command": "vtbench.tokenizers.elsewhere.command:CommandReconstructor",
        "diffusers-kl": "vtbench.tokenizers.published.diffusers.images:DiffusersKL",
        "diffusers-tiny": "vtbench.tokenizers.published.diffusers.images:DiffusersTiny",
        "diffusers-dc": "vtbench.tokenizers.published.diffusers.images:DiffusersDC",
        "diffusers-vq": "vtbench.tokenizers.published.diffusers.images:DiffusersVQ",
        "diffusers-rae": "vtbench.tokenizers.published.diffusers.rae:DiffusersRAE",
        "diffusers-fsq": "vtbench.tokenizers.published.diffusers.scalar:DiffusersFSQ",
        FRAMES: "vtbench.tokenizers.frames:Frames",
        PAIR: "vtbench.tokenizers.pair:Pair",
        "tiny-ae": "vtbench.tokenizers.published.tiny_ae.adapter:TinyAE",
        "diffusers": "vtbench.tokenizers.published.diffusers.any_class:AnyDiffusers",
        "ldm-vq": "vtbench.tokenizers.published.ldm.adapter:LdmVQ",
        "ldm-kl": "vtbench.tokenizers.published.ldm.adapter:LdmKL",
        "janus-vq": "vtbench.tokenizers.published.janus_vq:JanusVQ",
        "var-vq": "vtbench.tokenizers.published.var_vq.adapter:VarVQ",
        "open-magvit2": "vtbench.tokenizers.published.open_magvit2:OpenMagvit2",
        "wetok": "vtbench.tokenizers.published.wetok:WeTok",
        "ibq": "vtbench.tokenizers.published.ibq:Ibq",
        "maskgit-vq": "vtbench.tokenizers.published.maskgit_vq:MaskGitVQ",
        "maskbit": "vtbench.tokenizers.published.maskbit:MaskBit",
        "bsq-vit": "vtbench.tokenizers.published.bsq_vit.adapter:BsqVit",
        "titok": "vtbench.tokenizers.published.titok.adapter:TiTok",
        "one-d-piece": "vtbench.tokenizers.published.titok.one_d_piece:OneDPiece",
        "ta-titok": "vtbench.tokenizers.published.titok.text_aware:TextAwareTiTok",
        "cosmos": "vtbench.tokenizers.published.cosmos.adapter:Cosmos",
        "infinity-bsq": "vtbench.tokenizers.published.infinity_bsq:InfinityBsq",
        "elm-bae": "vtbench.tokenizers.published.elm_bae.adapter:ElmBae",
        "flowmo": "vtbench.tokenizers.published.flowmo.adapter:FlowMo",
        "gigatok": "vtbench.tokenizers.published.gigatok.adapter:GigaTok",
        "emu3-vq": "vtbench.tokenizers.published.emu3_vq:Emu3VQ",
        "imagegpt-palette": "vtbench.tokenizers.published.imagegpt_palette:ImageGptPalette",
        "hita": "vtbench.tokenizers.published.hita.adapter:Hita",
        "detailflow": "vtbench.tokenizers.published.detailflow.adapter:DetailFlow",
        "unitok-vq": "vtbench.tokenizers.published.unitok.adapter:UniTok",
        "vfmtok": "vtbench.tokenizers.published.vfmtok.adapter:VfmTok",
        "tokenflow": "vtbench.tokenizers.published.tokenflow.adapter:TokenFlow",
        "xqgan": "vtbench.tokenizers.published.xqgan.adapter:XqGan",
        "mgvq": "vtbench.tokenizers.published.mgvq.adapter:MgVQ",
        "softvq": "vtbench.tokenizers.published.softvq.adapter:SoftVQ",
        "vtp": "vtbench.tokenizers.published.vtp.adapter:Vtp",
        "dar": "vtbench.tokenizers.published.dar.adapter:DarTokenizer",
    },
    universal=(NAME,),
)
