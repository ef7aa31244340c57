"""The k-means clustering rule."""

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2

from simagents.config.tokenizers import KMeans
from simagents.tokens.motions import Motions, box_points, standing_first, with_standing


def tokens(
    settings: KMeans, motions: Motions, agent_class: int, generator: np.random.Generator
) -> Motions:
    """Means of clusters; the cluster around standing still comes first and becomes it.

    Frequent motions get most of the centres, so rare ones are far from any: the reverse of
    `k_disks`. The publication of the baseline names no features; we use the corners of the end box,
    as in the other rules. Empty clusters have no token.
    """
    motions = with_standing(motions)
    boxes = box_points(motions, agent_class).reshape(len(motions), -1)
    others = 1 + generator.permutation(len(boxes) - 1)[: settings.size - 1]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One of the clusters is empty")
        centres = boxes[np.append(0, others)]
        _, cluster = kmeans2(boxes, centres, iter=settings.iterations, minit="matrix")
    groups = [np.flatnonzero(cluster == number) for number in np.unique(cluster)]
    groups.sort(key=lambda group: 0 not in group)
    return standing_first(np.stack([motions[group].mean(axis=0) for group in groups]))
