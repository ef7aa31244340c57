"""Values that are written as changes of other values, and nested ones as pairs."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema

from simagents.config.keys import read_as
from simagents.errors import InputError

Json = dict[str, Any]
CHANGES = "keys that differ"


class ChangesOf:
    """The type of a key that holds only those keys of `kind` that differ from given ones.

    Use it as `Annotated[dict[str, Any], ChangesOf(Optimiser)]`. Values are checked where `completed`
    puts the others beside them.
    """

    def __init__(self, kind: Any, *more: str):
        self.kind, self.more = kind, more

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler(source)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Json:
        """An object with the same keys, none of them required, and `more` keys that hold text.

        Its comment says what it is, so that a list of all keys need not repeat these.
        """
        content = without_references(TypeAdapter(self.kind).json_schema())
        kinds = content["anyOf"] if "discriminator" in content else [content]
        keys = {name: value for kind in kinds for name, value in kind["properties"].items()}
        if "discriminator" in content:  # a change keeps the kind
            del keys[content["discriminator"]["propertyName"]]
        texts = {name: {"type": "string"} for name in self.more}
        return {"$comment": CHANGES, "type": "object", "properties": {**texts, **keys}}


def without_references(schema: Json) -> Json:
    """A JSON schema in which every reference is replaced by what it refers to."""
    definitions = schema.get("$defs", {})

    def replaced(part: Any) -> Any:
        if isinstance(part, list):
            return [replaced(item) for item in part]
        if not isinstance(part, dict):
            return part
        beside = {
            key: replaced(value) for key, value in part.items() if key not in ("$defs", "$ref")
        }
        if "$ref" in part:
            return {**replaced(definitions[part["$ref"].rpartition("/")[2]]), **beside}
        return beside

    return replaced(schema)


def completed(kind: Any, defaults: Json, changes: Json, where: str) -> Any:
    """Settings of that kind: `defaults`, and over them `changes`, mapping by mapping.

    Raises InputError, naming the key after `where`, for a key or value that the kind does not have.
    """
    return read_as(kind, merged(defaults, changes), where)


def merged(content: Json, changes: Mapping[str, Any]) -> Json:
    """Both together; where both have a value that is no mapping, the second one."""
    together = dict(content)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(together.get(key), Mapping)
        together[key] = merged(together[key], value) if both else copy.deepcopy(value)
    return together


def changed(content: Json, changes: Mapping[str, Any], where: str) -> Json:
    """A copy in which each dotted key of `changes` has its new value, whatever it had before.

    Keys that are not there are added: whether there may be such a key is checked by whoever reads
    the result as settings. Raises InputError where a dotted key leads through something that is no
    mapping.
    """
    content = copy.deepcopy(content)
    for key, value in changes.items():
        *outer, last = str(key).split(".")
        place = content
        for depth, name in enumerate(outer):
            if place.get(name) is None:
                place[name] = {}
            place = place[name]
            if not isinstance(place, dict):
                above = ".".join(outer[: depth + 1])
                raise InputError(f"{where}.{key}: `{above}` is no mapping; change it as a whole.")
        place[last] = copy.deepcopy(value)
    return content


def flat(content: Any, separator: str, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings with their joined keys."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from flat(value, separator, (*path, str(key)))
    else:
        yield separator.join(path), content
