"""What every key of a configuration means: closed, typed, and read without loading torch."""
