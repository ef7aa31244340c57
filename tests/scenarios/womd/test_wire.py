"""Walking over a message finds its fields, whatever they are, and says where it is none."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simagents.scenarios.womd.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    WireError,
    fields,
    message,
    number,
    read,
    varint,
)

numbers = st.integers(1, 2**29 - 1)
field = st.one_of(
    st.tuples(numbers, st.just(VARINT), st.integers(0, 2**64 - 1).map(varint)),
    st.tuples(numbers, st.just(FIXED32), st.binary(min_size=4, max_size=4)),
    st.tuples(numbers, st.just(FIXED64), st.binary(min_size=8, max_size=8)),
    st.tuples(numbers, st.just(BYTES), st.binary(max_size=300)),
)


def encoded(place, kind, value):
    length = varint(len(value)) if kind == BYTES else b""
    return varint(place << 3 | kind) + length + value


@given(st.lists(field), st.data())
def test_every_field_is_found_whether_the_others_are_read_or_not(given_fields, data):
    whole = b"".join(encoded(*one) for one in given_fields)
    file, found = io.BytesIO(whole), []
    for place, kind, start, length in fields(file, len(whole)):
        if data.draw(st.booleans()):
            assert read(file, length) == whole[start : start + length]
        found.append((place, kind, whole[start : start + length]))
    assert found == given_fields


@given(st.lists(field, min_size=1), st.data())
def test_a_message_that_ends_too_early_says_so(given_fields, data):
    """A cut between two fields is a shorter message; any other cut is an error."""
    parts = [encoded(*one) for one in given_fields]
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    between = {sum(map(len, parts[:count])) for count in range(len(parts) + 1)}
    if cut in between:
        list(fields(io.BytesIO(whole[:cut]), cut))
    else:
        with pytest.raises(WireError):
            list(fields(io.BytesIO(whole[:cut]), cut))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(junk):
    try:
        found = list(fields(io.BytesIO(junk), len(junk)))
    except WireError:
        return
    assert all(one.start + one.length <= len(junk) for one in found)


def test_by_hand():
    """Field 1 = 150 is 08 96 01, the example of protobuf's documentation; then field 2 = "ab"."""
    whole = number(1, 150) + message(2, b"ab")
    assert whole == bytes.fromhex("089601 1202 6162")
    assert [tuple(one) for one in fields(io.BytesIO(whole), 7)] == [(1, 0, 1, 2), (2, 2, 5, 2)]
