"""A place for kinds of your own: one module each, found by the name that a configuration uses.

A module here that is named like a reward, credit rule, model family, tokenizer or figure kind of a
configuration, and holds a class `Settings` with that tag, is as good as a built-in one
(docs/tutorials/own_model.md, docs/extending.md).
"""
