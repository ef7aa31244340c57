"""What of a machine would stop the workflow, or slow it down, before anything is started."""
