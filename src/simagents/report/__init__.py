"""Scores on disk -> cells -> tables, figures, the paper. Never loads torch."""
