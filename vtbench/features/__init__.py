"""Feature extractors, each wrapping one library, imported when asked for."""

from vtbench.core.registry import Registry

EXTRACTORS = Registry(
    "feature extractor",
    "vtbench.features",
    {
        "inception_tf": "vtbench.features.inception:InceptionTF",
        "inception_clean": "vtbench.features.inception:InceptionClean",
        "efflite0": "vtbench.features.efflite0:EfficientNetLite0",
        "vgg16": "vtbench.features.vgg16:Vgg16",
        "clip": "vtbench.features.clip:ClipL14",
        "clip_336": "vtbench.features.clip:ClipL14At336",
        "dinov2": "vtbench.features.dinov2:DinoV2",
    },
)

WITH_LOGITS = ("inception_tf", "efflite0")
"""Built-in extractors whose classifier an inception score may be taken of."""

WITH_SPATIAL = ("inception_tf", "inception_clean")
"""Built-in extractors with features that keep their position, which sFID is taken of."""
