"""Policies: what training and simulation may know of them is in `policy.py`."""
