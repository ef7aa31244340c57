"""Protobuf's wire format: fields written by hand, and found without parsing a message.

A message is a sequence of fields, each a tag (field number and wire type), then the value, preceded
by its length where the type has no width (protobuf.dev, "Encoding"). A submission of many gigabytes
is one message whose fields are scenarios: walking over tags reads one of them at a time.
"""

from collections.abc import Iterator
from io import BufferedIOBase
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTH = {FIXED64: 8, FIXED32: 4}
_SMALL = [bytes((value,)) for value in range(128)]


class WireError(ValueError):
    """Bytes that are no message, or only the beginning of one; says which byte."""


class Field(NamedTuple):
    """One field of a message in a file, without its value."""

    number: int
    type: int
    start: int
    """position in the file of the value's first byte"""
    length: int
    """bytes of the value; of a varint, those that encode it"""


def fields(file: BufferedIOBase, end: int) -> Iterator[Field]:
    """The outermost fields from the file's position to `end`, the file standing at each value.

    The caller may read the value or leave it; what it leaves is skipped by seeking forward.
    """
    at = file.tell()
    while at < end:
        begin = at
        tag, at = _read_varint(file, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == BYTES:
            length, at = _read_varint(file, at, end)
        elif kind in _WIDTH:
            length = _WIDTH[kind]
        elif kind == VARINT:
            after = _read_varint(file, at, end)[1]
            length = after - at
            file.seek(at)
        else:
            raise WireError(f"byte {begin} begins no field")
        if number == 0:
            raise WireError(f"byte {begin} begins no field")
        if at + length > end:
            raise WireError(f"the field at byte {begin} is longer than what is left")
        yield Field(number, kind, at, length)
        at += length
        file.seek(at)


def read(file: BufferedIOBase, length: int) -> bytes:
    """Exactly so many bytes."""
    data = file.read(length)
    if len(data) < length:
        raise WireError("it ends too early")
    return data


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64-bit two's complement."""
    if 0 <= value < 128:
        return _SMALL[value]
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field that holds a whole number."""
    return varint(field << 3 | VARINT) + varint(value)


def message(field: int, payload: bytes) -> bytes:
    """A field that holds bytes: text, packed numbers or another message."""
    return varint(field << 3 | BYTES) + varint(len(payload)) + payload


def _read_varint(file: BufferedIOBase, at: int, end: int) -> tuple[int, int]:
    """A number, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte or at >= end:
            raise WireError("it ends too early")
        at += 1
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value, at
    raise WireError(f"byte {at - 10} begins no number")
