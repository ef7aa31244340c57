"""TFRecord framing: length, masked CRC of the length, payload, masked CRC of the payload.

The format is TensorFlow's (`tensorflow/core/lib/io/record_writer.h`): little-endian, CRC-32C,
the checksums rotated by 15 bits and shifted by a constant so that they can be stored beside
the data they cover.
"""

import struct
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path

import google_crc32c

from simagents.errors import InputError
from simagents.files import replacing

_MASK_DELTA = 0xA282EAD8
_LONGEST = 1 << 30  # bytes; a WOMD scenario has about one million


def _masked_crc(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def read_records(path: Path) -> Iterator[bytes]:
    """The payloads of one file, one at a time, each verified against its checksum.

    Raises InputError, naming the file and the record, where the framing is broken or there is no
    file; the records before that point have been yielded.
    """
    for index, (file, length) in enumerate(walk_records(path)):
        yield _payload(file, length, f"{path}, record {index}")


def walk_records(path: Path) -> Iterator[tuple[BufferedIOBase, int]]:
    """The file standing at each payload, and the payload's length; what is not read is skipped.

    Lengths are verified against their checksums, payloads only where `read_records` or
    `read_record` reads them. Raises InputError as `read_records` does.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file.")
    with Path(path).open("rb") as file:
        index, size = 0, Path(path).stat().st_size
        while header := file.read(12):
            where = f"{path}, record {index}"
            if len(header) < 12:
                raise InputError(f"{where}: the file is truncated; fetch it again.")
            length, length_crc = struct.unpack("<QI", header)
            if _masked_crc(header[:8]) != length_crc:
                problem = "is not a TFRecord file" if index == 0 else "has a damaged record length"
                raise InputError(f"{where}: the file {problem} (wrong CRC); fetch it again.")
            if length > _LONGEST:
                raise InputError(f"{where}: claims {length} bytes, more than any scenario has.")
            after = file.tell() + length + 4
            if after > size:
                raise InputError(f"{where}: the file is truncated; fetch it again.")
            yield file, length
            file.seek(after)
            index += 1


def read_record(path: Path, offset: int, length: int) -> bytes:
    """The payload of that length at that place, verified; as `walk_records` found it."""
    with Path(path).open("rb") as file:
        file.seek(offset)
        return _payload(file, length, f"{path}, byte {offset}")


def _payload(file: BufferedIOBase, length: int, where: str) -> bytes:
    payload, footer = file.read(length), file.read(4)
    if len(footer) < 4:
        raise InputError(f"{where}: the file is truncated; fetch it again.")
    if _masked_crc(payload) != struct.unpack("<I", footer)[0]:
        raise InputError(f"{where}: the payload's CRC is wrong; fetch the file again.")
    return payload


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """Write the payloads to `path`, which appears whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + struct.pack("<I", _masked_crc(length)))
            file.write(record + struct.pack("<I", _masked_crc(record)))
