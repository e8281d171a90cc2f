"""Detectors: images to boxes, scores and masks of objects of COCO's 80 classes, or to key points of a person.

Whose detector it is decides the number: a metric of detections carries its name. Each is imported when asked for.
"""

from vtbench.core.registry import Registry

DETECTORS = Registry(
    "detector",
    "vtbench.detectors",
    {
        "nanodet": "vtbench.detectors.nanodet:Nanodet",
    },
)
