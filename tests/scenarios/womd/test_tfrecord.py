"""Framing: what is written is read, and what is damaged is named with its file and record."""

import struct

import pytest

from simagents.errors import InputError
from simagents.scenarios.womd.tfrecord import read_records, write_records

PAYLOADS = [b"first", b"", bytes(range(256)) * 40]
FRAME = 16
"""Bytes around each payload: a length, its checksum, and the payload's checksum."""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "shard.tfrecord"
    write_records(path, PAYLOADS)
    return path


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def read(path):
    """What can be read, and the error that ends it."""
    records = []
    with pytest.raises(InputError) as caught:
        records += read_records(path)
    return str(caught.value)


def test_round_trip(path):
    assert list(read_records(path)) == PAYLOADS
    assert path.stat().st_size == sum(map(len, PAYLOADS)) + FRAME * len(PAYLOADS)


def test_the_bytes_are_tensorflows(tmp_path):
    """CRC-32C of "123456789" is 0xE3069283 (the check value of its catalogue entry); turned right by
    15 bits it is 0x2507C60D, and 0xA282EAD8 more is 0xC78AB0E5.
    """
    write_records(tmp_path / "a", [b"123456789"])
    written = (tmp_path / "a").read_bytes()
    assert written[:8] == struct.pack("<Q", 9)
    assert written[12:21] == b"123456789"
    assert written[21:] == struct.pack("<I", 0xC78AB0E5)


@pytest.mark.parametrize(
    ("left", "record"),
    [(5, 0), (14, 0), (20, 0), (21 + 3, 1), (-5000, 2), (-2, 2)],
    ids=["header", "payload", "footer", "second header", "long payload", "last footer"],
)
def test_a_truncated_file_names_the_record(path, left, record):
    path.write_bytes(path.read_bytes()[:left])
    message = read(path)
    assert message.startswith(f"{path}, record {record}: the file is truncated")


def test_records_before_the_damage_are_read(path):
    path.write_bytes(path.read_bytes()[:-2])
    records = read_records(path)
    assert [next(records), next(records)] == PAYLOADS[:2]
    with pytest.raises(InputError, match="record 2"):
        next(records)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (0, "record 0: the file is not a TFRecord file (wrong CRC)"),
        (9, "record 0: the file is not a TFRecord file (wrong CRC)"),
        (13, "record 0: the payload's CRC is wrong"),
        (18, "record 0: the payload's CRC is wrong"),
        (22, "record 1: the file has a damaged record length (wrong CRC)"),
        (-1, "record 2: the payload's CRC is wrong"),
    ],
)
def test_a_flipped_bit_is_found(path, at, message):
    flip(path, at)
    assert message in read(path)


def test_text_is_no_tfrecord(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("This is not the file you are looking for.")
    assert (
        read(path)
        == f"{path}, record 0: the file is not a TFRecord file (wrong CRC); fetch it again."
    )


def test_an_absent_file_is_named(tmp_path):
    assert read(tmp_path / "absent") == f"{tmp_path / 'absent'}: there is no such file."


def test_a_failed_writer_leaves_nothing(tmp_path):
    def records():
        yield b"first"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_records(tmp_path / "a", records())
    assert list(tmp_path.iterdir()) == []
