"""Detectors: images to boxes, scores and masks of objects of COCO's 80 classes, or to key points of a person.

Whose detector it is decides the number: a metric of detections carries its name. Each is imported when asked for.
"""

from vtbench.core.registry import Registry

DETECTORS = Registry(
    "detector",
    "vtbench.detectors",
    {
        "mask2former": "vtbench.detectors.mask2former:Mask2Former",
        "mask2former_meta": "vtbench.detectors.mask2former:Mask2FormerMeta",
        "nanodet": "vtbench.detectors.nanodet:Nanodet",
    },
)
