"""Rolling systems out on held-out scenarios and scoring what they do."""
