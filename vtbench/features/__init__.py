"""Feature extractors, each wrapping one library, imported when asked for."""

from vtbench.core.registry import Registry

FEATURES_VERSION = 2
"""Raised when the last digits of features move, so that stored ones of before are not mixed with others."""

EXTRACTORS = Registry(
    "feature extractor",
    "vtbench.features",
    {
        "inception_tf": "vtbench.features.inception:InceptionTF",
        "inception_clean": "vtbench.features.inception:InceptionClean",
        "inception_pytorch": "vtbench.features.inception:InceptionPytorch",
        "efflite0": "vtbench.features.efflite0:EfficientNetLite0",
        "vgg16": "vtbench.features.vgg16:Vgg16",
        "clip": "vtbench.features.clip.extractors:ClipL14",
        "clip_336": "vtbench.features.clip.extractors:ClipL14At336",
        "clip_336_square": "vtbench.features.clip.extractors:ClipL14At336Square",
        "dinov2": "vtbench.features.dinov2:DinoV2",
        "dinov2_8bit": "vtbench.features.dinov2:DinoV2Of8Bit",
        "i3d_kinetics400": "vtbench.features.i3d:I3dKinetics400",
        "pixels_32": "vtbench.features.whole.pixels:Pixels32",
        "convnextv2_base": "vtbench.features.whole.towers:ConvNextV2Base",
        "dinov2_cls_256": "vtbench.features.whole.towers:DinoV2At256",
        "mae_cls": "vtbench.features.whole.towers:Mae",
        "clip_cls_256": "vtbench.features.whole.towers:ClipClassAt256",
        "siglip2_cls_224": "vtbench.features.whole.towers:SigLip2At224",
    },
)

OF_PIXELS = ("pixels_32",)
"""Built-in extractors without a network, whose likeness is distance."""

WITH_LOGITS = ("inception_tf", "efflite0", "i3d_kinetics400")
"""Built-in extractors that have a classifier's logits."""

WITH_SPATIAL = ("inception_tf", "inception_clean", "inception_pytorch")
"""Built-in extractors with features that keep their position, which sFID is taken of."""

OF_VIDEOS = ("i3d_kinetics400",)
"""Built-in extractors that take ``uint8 [B,T,3,H,W]``; the others take images."""
