"""Damage to bytes, to protos field by field, and to nested mappings."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from fuzz.cases import Case

NAN, INF = float("nan"), float("inf")
FLOATS = (NAN, INF, -INF, 0.0, -1.0, 1e-40, 99.0, 1e5, -9.9e5, 1e6, 1e9, -1e18, 1e30, -1e38, 1e300)
INTEGERS = (0, 1, -1, 2, 10, 90, 127, 128, 255, 256, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
TEXTS = ("", "a", "a/b", "..", "a\nb", "\0", "é" * 40, "x" * 5000, "x.trajectories", "5e-4", "{}")
_WHOLE = (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)
_REAL = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


def damage_bytes(data: bytes, case: Case, most: int = 4) -> bytes:
    """The bytes with one to `most` places changed, cut, repeated or filled."""
    out, draw = bytearray(data), case.draw
    for _ in range(draw.randint(1, most)):
        place = draw.randrange(len(out) + 1)
        length = min(draw.choice((1, 1, 2, 8, 100)), len(out) - place)
        part = slice(place, place + length)
        how = draw.choice(("flip", "flip", "noise", "remove", "repeat", "insert", "cut"))
        if how == "flip" and length:
            out[place] ^= 1 << draw.randrange(8)
        elif how == "noise":
            out[part] = draw.randbytes(length)
        elif how == "remove":
            del out[part]
        elif how == "repeat":
            out[place:place] = out[part]
        elif how == "insert":
            out[place:place] = draw.randbytes(draw.choice((1, 4, 30)))
        elif how == "cut" and draw.random() < 0.3:
            del out[place:]
        case.changes.append(f"{how} {length} bytes at {place}")
    return bytes(out)


def damage_proto(proto: Message, case: Case, most: int = 3) -> None:
    """One to `most` fields changed, removed, repeated or exchanged, wherever they are."""
    for _ in range(case.draw.randint(1, most)):
        _damage_field(proto, case, type(proto).__name__)


def _damage_field(message: Message, case: Case, path: str) -> None:
    draw = case.draw
    present = [descriptor for descriptor, _ in message.ListFields()]
    every = list(message.DESCRIPTOR.fields)
    descriptor = draw.choice(present if present and draw.random() < 0.9 else every)
    name, path = descriptor.name, f"{path}.{descriptor.name}"
    is_message = descriptor.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
    if not descriptor.is_repeated:
        if is_message and draw.random() < 0.9:
            _damage_field(getattr(message, name), case, path)
        elif draw.random() < 0.15 or is_message:
            message.ClearField(name)
            case.changes.append(f"{path} removed")
        else:
            _assign(message, descriptor, case, path)
        return
    items = getattr(message, name)
    row = draw.randrange(len(items)) if items else 0
    if items and is_message and draw.random() < 0.8:
        _damage_field(items[row], case, f"{path}[{row}]")
        return
    how = draw.choice(("remove", "repeat", "exchange", "change", "empty", "add"))
    if how == "remove" and items:
        del items[row]
    elif how == "repeat" and items:
        items.append(items[row])
    elif how == "exchange" and items:
        other = draw.randrange(len(items))
        swapped = list(items)
        swapped[row], swapped[other] = swapped[other], swapped[row]
        copies = (
            [type(item).FromString(item.SerializeToString()) for item in swapped]
            if is_message
            else swapped
        )
        del items[:]
        items.extend(copies)
    elif how == "change" and items and not is_message:
        items[row] = _value(descriptor, items[row], case)
    elif how == "empty" and draw.random() < 0.3:
        message.ClearField(name)
    elif how == "add":
        items.add() if is_message else items.append(_value(descriptor, 0, case))
    case.changes.append(f"{how} {path}[{row}]")


def _assign(message: Message, descriptor: Any, case: Case, path: str) -> None:
    value = _value(descriptor, getattr(message, descriptor.name), case)
    setattr(message, descriptor.name, value)
    case.changes.append(f"{path} = {value!r:.60}")


def _value(descriptor: Any, old: Any, case: Case) -> Any:
    draw, kind = case.draw, descriptor.cpp_type
    if kind in _REAL:
        return draw.choice((*FLOATS, old + draw.gauss(0, 50), old * 1e3, -old))
    if kind in _WHOLE:
        bits = 31 if kind == FieldDescriptor.CPPTYPE_INT32 else 63
        value = draw.choice((*INTEGERS, old + 1, draw.randrange(40)))
        return max(-(2**bits), min(value, 2**bits - 1))
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return not old
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return draw.choice(TEXTS)
    assert kind == FieldDescriptor.CPPTYPE_ENUM, descriptor.name
    return draw.choice(list(descriptor.enum_type.values_by_number))


def damage_content(content: Any, case: Case, most: int = 3) -> None:
    """One to `most` keys and values of nested mappings and lists changed, removed, added, moved."""
    for _ in range(case.draw.randint(1, most)):
        _damage_key(content, case, "")


def _damage_key(content: Any, case: Case, path: str) -> None:
    draw = case.draw
    keys = list(content) if isinstance(content, dict) else list(range(len(content)))
    if not keys:
        return
    key = draw.choice(keys)
    inner, path = content[key], f"{path}.{key}"
    if isinstance(inner, (dict, list)) and inner and draw.random() < 0.85:
        _damage_key(inner, case, path)
        return
    how = draw.choice(
        ("change", "change", "change", "remove", "rename", "wrap", "copy", "exchange")
    )
    if how == "remove":
        del content[key]
    elif how == "rename" and isinstance(content, dict):
        content[draw.choice((f"{key}s", *TEXTS, 7, None, True))] = content.pop(key)
    elif how == "wrap":
        content[key] = draw.choice(([inner], {"a": inner}, [inner, inner], str(inner)))
    elif how == "exchange":
        other = draw.choice(keys)
        content[key], content[other] = content[other], inner
    elif how == "copy" and isinstance(content, dict):
        content[draw.choice(("copied", *TEXTS))] = inner
    else:
        values = (*FLOATS, *INTEGERS, *TEXTS, None, True, False, [], {}, [None], {"a": 1}, 10**30)
        content[key] = draw.choice(values)
        how = f"becomes {content[key]!r:.40}"
    case.changes.append(f"{path} {how}")
