"""Which scenes each step and process sees."""
