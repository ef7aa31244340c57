"""Road templates: each draws a random network of its kind."""

from simagents.scenarios.synthetic.templates.arterial import curved_arterial, straight_arterial
from simagents.scenarios.synthetic.templates.carpark import carpark
from simagents.scenarios.synthetic.templates.junction import (
    all_way_stop,
    four_way_signal,
    side_road,
    t_signal,
)
from simagents.scenarios.synthetic.templates.merge import merge
from simagents.scenarios.synthetic.templates.roundabout import roundabout

TEMPLATES = {
    straight_arterial: 0.10,
    curved_arterial: 0.12,
    four_way_signal: 0.28,
    t_signal: 0.12,
    side_road: 0.06,
    all_way_stop: 0.10,
    roundabout: 0.08,
    merge: 0.07,
    carpark: 0.07,
}
"""How often each template is drawn."""
