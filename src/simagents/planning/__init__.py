"""What to compute for a configuration: runs with their parents, what is scored, tables and figures."""
