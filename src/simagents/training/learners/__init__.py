"""How each algorithm turns micro-batches into losses."""
