"""Traffic lights that cycle."""

import numpy as np

from simagents.scenarios.scenario import LaneType, LightState
from simagents.scenarios.synthetic.network import Network

_GREEN, _AMBER, _RED = 0, 1, 2
_ROUND = np.array([LightState.GO, LightState.CAUTION, LightState.STOP])
_ARROW = np.array([LightState.ARROW_GO, LightState.ARROW_CAUTION, LightState.ARROW_STOP])


def cycle(rng, network: Network, times: np.ndarray) -> np.ndarray:
    """Colour of each signal group at each time (s), [groups, times]: 0 green, 1 amber, 2 red.

    One phase after the other: green, amber, and a second or more in which all are red. The cycle
    begins anywhere.
    """
    groups = 1 + max((g for phase in network.phases for g in phase), default=-1)
    colour = np.full((groups, len(times)), _RED)
    if not groups:
        return colour
    arrows = [all(g in network.arrows for g in phase) for phase in network.phases]
    green = np.where(arrows, rng.uniform(5, 9, len(arrows)), rng.uniform(9, 22, len(arrows)))
    amber, clear = rng.uniform(3.2, 4.0), rng.uniform(1.2, 2.2)
    ends = np.cumsum(green + amber + clear)
    now = (times + rng.uniform(0, ends[-1])) % ends[-1]
    phase = np.searchsorted(ends, now, side="right")
    since = now - (ends - green - amber - clear)[phase]
    shown = np.where(
        since < green[phase], _GREEN, np.where(since < green[phase] + amber, _AMBER, _RED)
    )
    for p, members in enumerate(network.phases):
        for group in members:
            colour[group, phase == p] = shown[phase == p]
    return colour


def states(network: Network, colour: np.ndarray):
    """What the map says: (lane, its states [T]) for every lane of vehicles behind a light."""
    listed = []
    for i, lane in enumerate(network.lanes):
        if lane.signal >= 0 and lane.kind == LaneType.SURFACE_STREET:
            names = _ARROW if lane.signal in network.arrows else _ROUND
            listed.append((i, names[colour[lane.signal]].astype(np.int8)))
    return listed
