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
    },
)

WITH_LOGITS = ("inception_tf", "efflite0")
"""Built-in extractors whose classifier an inception score may be taken of."""
