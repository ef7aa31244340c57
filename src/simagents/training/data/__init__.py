"""The scenes of each step and process."""
