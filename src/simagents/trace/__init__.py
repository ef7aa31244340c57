"""From a cell of a table back to everything that made it. Loads no torch, and reads no scores."""
