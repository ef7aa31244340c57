"""Closed, typed settings, and one sentence for whatever is wrong with them."""

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from simagents.errors import InputError, unknown_key, unknown_value


class Settings(BaseModel):
    """Keys of one subject: no unknown ones, no text for numbers, no change after reading.

    A default would be a number that no file names, so keys have none unless leaving them out has a
    meaning of its own. The string below a field describes its key; schema and tables of keys in
    `config/README.md` are generated from it.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        serialize_by_alias=True,
    )


class Tagged:
    """The type of a key whose value is one of several kinds of settings, told apart by a tag.

    Use it as `Annotated[BaseClass, Tagged("rule", "simagents.algorithms.credit", A, B)]`. A value
    whose tag is not of a built-in kind is looked for in the module of that name in `home` or in
    `simagents.extensions`, which holds a class `Settings` with that tag: a new kind is one file. A
    built-in kind has its class in `simagents.config`, so that planning loads no torch.
    """

    def __init__(self, tag: str, home: str, *kinds: type[Settings]):
        self.tag, self.home = tag, home
        self.kinds = {tag_of(kind, tag): kind for kind in kinds}

    def kind_of(self, name: object) -> type[Settings]:
        """The class behind a tag's value. Raises InputError, naming the nearest, for an unknown one."""
        if not isinstance(name, str):
            raise unknown_value(str(name), self.tag, self.kinds)
        if name in self.kinds:
            return self.kinds[name]
        for package in (self.home, "simagents.extensions"):
            if name.isidentifier() and _has_module(package, name):
                kind = getattr(import_module(f"{package}.{name}"), "Settings", None)
                if kind is not None and kind is not Settings:
                    return kind
        raise unknown_value(str(name), self.tag, self.kinds)

    def read(self, content: Any) -> Settings:
        """Settings of the kind that the content's tag names."""
        if isinstance(content, Settings):
            return content
        if not isinstance(content, Mapping) or self.tag not in content:
            names = ", ".join(self.kinds)
            raise PydanticCustomError(
                "nested", "", {"keys": (), "said": f"needs the key `{self.tag}`, one of {names}."}
            )
        try:
            kind = self.kind_of(content[self.tag])
        except InputError as problem:
            said = str(problem).removeprefix(f"{self.tag}: ")
            raise PydanticCustomError("nested", "", {"keys": (self.tag,), "said": said}) from None
        try:
            return kind.model_validate(content)
        except ValidationError as problem:
            keys, said = _first(problem, kind)
            raise PydanticCustomError("nested", "", {"keys": keys, "said": said}) from None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda settings: settings.model_dump(mode="json")
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Any of the built-in kinds, or some keys under a tag of your own."""
        own = {
            "type": "object",
            "required": [self.tag],
            "properties": {self.tag: {"type": "string", "not": {"enum": list(self.kinds)}}},
        }
        built_in = [handler(kind.__pydantic_core_schema__) for kind in self.kinds.values()]
        return {"anyOf": [*built_in, own], "discriminator": {"propertyName": self.tag}}


def _has_module(package: str, name: str) -> bool:
    """Whether there is such a module; imports nothing, because a package may load torch."""
    path, above = None, ""
    for part in (*package.split("."), name):
        above = f"{above}.{part}".lstrip(".")
        if above in sys.modules:
            path = getattr(sys.modules[above], "__path__", [])
            continue
        spec = PathFinder.find_spec(above, path)
        if spec is None:
            return False
        path = spec.submodule_search_locations or []
    return True


def tag_of(kind: type[Settings], tag: str) -> str:
    """The one value that the tag of a kind may have."""
    (value,) = get_args(kind.model_fields[tag].annotation)
    return value


def module_of(settings: Settings, home: str, tag: str) -> ModuleType:
    """The module with the code of these settings: `home.NAME`, or where a kind of your own is."""
    own = type(settings).__module__
    built_in = own.startswith("simagents.config.")
    return import_module(f"{home}.{getattr(settings, tag)}" if built_in else own)


def read_as(kind: Any, content: Any, where: str) -> Any:
    """Content as that kind of value: a class of settings, one of several `Tagged`, or a list of them.

    Raises InputError, naming the key after `where`, and the nearest valid one.
    """
    try:
        return _reader(kind).validate_python(content)
    except ValidationError as problem:
        keys, said = _first(problem, kind)
        raise InputError(f"{_place(where, keys)}: {said}") from None


@cache
def _reader(kind: Any) -> TypeAdapter:
    return TypeAdapter(kind)


def _place(where: str, keys: tuple[str, ...]) -> str:
    """Keys joined by dots, with the number of a list's item in brackets: `tables.beta.rows[1]`."""
    place = ".".join([where, *keys] if where else keys).replace(".[", "[")
    return place or "configuration"


def fields_of(kind: type[Settings]) -> dict[str, FieldInfo]:
    """Fields by the names of their keys, some of which are reserved words of Python."""
    return {field.alias or name: field for name, field in kind.model_fields.items()}


def _first(problem: ValidationError, kind: Any) -> tuple[tuple[str, ...], str]:
    """Where and what the first problem is: unknown keys before anything that may follow from them."""
    errors = problem.errors()
    chosen = next((e for e in errors if e["type"] in ("extra_forbidden", "nested")), errors[0])
    keys, holder = _walk(kind, chosen["loc"])
    if chosen["type"] == "nested":
        return (*keys, *chosen["ctx"]["keys"]), chosen["ctx"]["said"]
    if chosen["type"] == "extra_forbidden":
        name = str(chosen["loc"][-1])  # not in `keys` where it reads like a member of a union
        said = str(unknown_key(name, "", fields_of(holder)))
        return keys[:-1] if keys[-1:] == (name,) else keys, said.removeprefix(": ")
    return keys, _sentence(chosen)


def _walk(kind: Any, location: tuple[int | str, ...]) -> tuple[tuple[str, ...], Any]:
    """Keys of a problem's place, without the members of unions that pydantic puts among them; and
    the innermost class that holds it."""
    keys, holder, here = [], kind, kind
    for part in location:
        here = _settings_in(here, part)
        if isinstance(here, type) and issubclass(here, Settings):
            holder = here
            if part in fields_of(here):
                keys.append(str(part))
                here = fields_of(here)[part].annotation
            elif part != here.__name__ and not _names_a_member(part):
                keys.append(str(part))
        elif get_args(here) and get_origin(here) in (dict, list):
            keys.append(f"[{part}]" if get_origin(here) is list else str(part))
            here = get_args(here)[-1]
        elif not _names_a_member(part):
            keys.append(str(part))
    return tuple(keys), holder


def _settings_in(annotation: Any, name: int | str = "") -> Any:
    """The member of a union that has this name, or else has keys; anything else as it is."""
    if get_origin(annotation) is Annotated:
        return _settings_in(get_args(annotation)[0], name)
    if get_origin(annotation) in (Union, UnionType):
        members = [m for m in map(_settings_in, get_args(annotation)) if m is not NoneType]
        closed = [m for m in members if get_origin(m) in (dict, list) or _closed(m)]
        named = [m for m in closed if getattr(m, "__name__", None) == name]
        return (named or closed or members)[0]
    return annotation


def _closed(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Settings)


def _names_a_member(part: int | str) -> bool:
    """Whether pydantic put it there to say which member of a union was tried."""
    return isinstance(part, str) and (
        part in ("int", "float", "str", "bool", "none") or "[" in part
    )


def _sentence(error: ErrorDetails) -> str:
    """Pydantic's words as the end of a sentence, with what YAML may have made of a number."""
    value = error["input"]
    if error["type"] == "missing":
        return "the key is missing."
    if error["type"] == "literal_error":
        return str(unknown_value(str(value), "", _literals(error))).removeprefix(": ")
    if error["type"] == "value_error":  # from a validator of ours, which says it all
        return f"{error['ctx']['error']}."
    if error["type"] == "string_pattern_mismatch":
        return f"{value!r} must match {error['ctx']['pattern']}."
    said = error["msg"].removeprefix("Input should be ").rstrip(".")
    if said.startswith("List should have"):
        return f"{said[0].lower()}{said[1:]}."
    hint = ""
    if isinstance(value, str) and "e" in value.lower() and _number(value):
        hint = f" YAML reads {value} as text; write {float(value):.1e} with a dot."
    shown = f"{value!r}" if isinstance(value, str | int | float | bool | None) else "the value"
    return f"{shown} must be {said}.{hint}"


def _literals(error: ErrorDetails) -> list[str]:
    return [text.strip("' ") for text in error["ctx"]["expected"].replace(" or ", ", ").split(",")]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
