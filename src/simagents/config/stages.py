"""Stages: what is trained, from what, on what and for how long."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from simagents.config.algorithms import Algorithm
from simagents.config.changes import ChangesOf, Json, changed
from simagents.config.data import Revision
from simagents.config.imports import Imported
from simagents.config.keys import Settings, read_as
from simagents.config.models import Model
from simagents.config.recipe import Optimiser, Trains
from simagents.errors import InputError, unknown_value


class Stage(Settings):
    """A recipe for every seed."""

    from_: str | None = Field(None, alias="from")
    """the stage whose weights this one starts from; without it, from random weights"""
    budget: str
    """one of `budgets`: the amount of training"""
    trains: Trains
    """`agents` keeps the map encoder and all embeddings frozen"""
    tokenizer: str | None = None
    """one of `tokenizers`; the top-level `tokenizer` where the key is missing. A stage with `from` has
    its parent's"""
    model: Annotated[dict[str, Any], ChangesOf(Model, "base")] = Field(default_factory=dict)
    """`base`, one of `models` (the top-level `model` where it is missing), and the keys that differ
    from it. A stage with `from` has its parent's"""
    optimiser: Annotated[dict[str, Any], ChangesOf(Optimiser)] = Field(default_factory=dict)
    """keys that differ from the top-level `optimiser` and from those of the budget"""
    revision: Revision = 0
    """number to raise when code changes the numbers of the stage's runs"""
    algorithm: Algorithm
    """how the stage learns, with all coefficients"""

    def changed(self, changes: Mapping[str, Any], where: str) -> "Stage":
        """The stage with other values of some dotted keys. Raises InputError, naming the key."""
        if not changes:
            return self
        return read_as(Stage, changed(self.model_dump(mode="json"), changes, where), where)


def _form(content: Any) -> str:
    imported = isinstance(content, Mapping) and "import" in content
    return Imported.__name__ if imported or isinstance(content, Imported) else Stage.__name__


AnyStage = Annotated[
    Annotated[Stage, Tag(Stage.__name__)] | Annotated[Imported, Tag(Imported.__name__)],
    Discriminator(_form),
]
"""A stage is trained, or has a model that is there already."""


class Copy(Settings):
    """A stage that is written as a change of another one."""

    like: str
    """the stage whose keys this one has too"""
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    """new values of some keys; dots lead inwards, and a value replaces the whole old one"""


def without_copies(stages: Json) -> Json:
    """All stages with every `like` replaced by what it stands for.

    Raises InputError for an unknown stage, a stage that is like itself, and a wrong key or value.
    """
    written: Json = {}

    def write(name: str, above: tuple[str, ...] = ()) -> Any:
        if name in above:
            raise InputError(f"stages.{name}: is like itself, by way of {', '.join(above)}.")
        content = stages[name]
        if name not in written and isinstance(content, Mapping) and "like" in content:
            copy, where = read_as(Copy, content, f"stages.{name}"), f"stages.{name}.with"
            if copy.like not in stages:
                raise unknown_value(copy.like, f"stages.{name}.like", stages)
            model = write(copy.like, (*above, name))
            if isinstance(model, Mapping) and "import" in model:
                raise InputError(
                    f"stages.{name}.like: `{copy.like}` is imported and has no keys to copy; write the"
                    " keys of this stage out."
                )
            # Read here, so that a mistake is reported in the stage that makes it.
            read_as(Stage, model, f"stages.{copy.like}")
            content = changed(model, copy.with_, where)
            read_as(Stage, content, where)
        return written.setdefault(name, content)

    for name in stages:
        write(name)
    return written
