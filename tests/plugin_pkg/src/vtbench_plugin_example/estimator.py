"""A set metric of another package: how far the mean feature moved."""

import numpy as np

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.info import MetricInfo


class MeanShift:
    """Euclidean distance of the two sets' means, in float64."""

    info = MetricInfo(
        name="mean_shift", version=1, kind="set", higher_is_better=False, summary="Distance of the mean features."
    )

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> dict[str, Estimate]:
        shift = np.linalg.norm(_mean(predictions) - _mean(references))
        return {"mean_shift": Estimate(value=float(shift), n=predictions.shape[0])}


def _mean(features):
    if not hasattr(features, "blocks"):
        return features.mean
    return sum(block.astype(np.float64).sum(axis=0) for block in features.blocks()) / features.shape[0]
