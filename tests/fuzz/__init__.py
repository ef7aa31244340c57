"""Damaged input of every kind: only an InputError may come out, and what is read can be used."""
