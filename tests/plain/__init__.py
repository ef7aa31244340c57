"""What the models and their training compute, written as plainly as possible and as slowly."""
