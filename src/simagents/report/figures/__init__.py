"""Kinds of figures, one module each: `draw(settings, inputs)` gives a matplotlib figure."""
