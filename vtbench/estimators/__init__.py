"""Map estimators: images to maps of them, as edges, depth or labels; each imported when asked for.

In go ``uint8 [B,3,H,W]`` of any size; out come maps of that size (:mod:`vtbench.estimators.contract`). A control task
asks one of what its conditions were made by, and the name of another estimator stands in the metric's name.
"""

from vtbench.core.registry import Registry

MAP_ESTIMATORS = Registry(
    "map estimator",
    "vtbench.map_estimators",
    {
        "canny": "vtbench.estimators.canny:Canny",
        "hed_bsds_retrained": "vtbench.estimators.hed:HedBsdsRetrained",
        "depth": "vtbench.estimators.depth:Depth",
        "segmentation": "vtbench.estimators.segmentation:Segmentation",
    },
)
