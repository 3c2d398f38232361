"""Files a citizen might send, made here: good photos, lying ones, and hostile ones."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational


def photo(kind: str = "JPEG", exif: Image.Exif | None = None) -> bytes:
    out = io.BytesIO()
    options: dict[str, Any] = {} if exif is None else {"exif": exif}
    Image.new("RGB", (64, 48), (120, 90, 60)).save(out, kind, **options)
    return out.getvalue()


def exif_of(
    latitude: object = (54.0, 30.0, 49.68),
    longitude: object = (36.0, 15.0, 40.32),
    refs: tuple[object, object] = ("N", "E"),
) -> Image.Exif:
    """EXIF of a photo taken in Kaluga at 12:30 Moscow time on 1 June 2026."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: refs[0], 2: latitude, 3: refs[1], 4: longitude})
    exif.get_ifd(0x8769).update({0x9003: "2026:06:01 12:30:00", 0x9011: "+03:00"})
    return exif


def hostile_exifs() -> list[Image.Exif]:
    """EXIF that no camera wrote: no denominators, strings for numbers, too many degrees, impossible days."""
    zero = IFDRational(1, 0)
    wrong_day = exif_of()
    wrong_day.get_ifd(0x8769).update({0x9003: "0000:00:00 99:99:99", 0x9011: "+99:99"})
    return [
        exif_of(latitude=(zero, zero, zero)),
        exif_of(latitude=(540.0, 30.0, 0.0)),
        exif_of(longitude=(36.0, 15.0)),
        exif_of(refs=("?", "E")),
        wrong_day,
    ]


def jpeg_with_raw_exif(raw: bytes) -> bytes:
    """A good photo whose EXIF block is these bytes."""
    good = photo()
    body = b"Exif\x00\x00" + raw
    return good[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + good[2:]


def bomb() -> bytes:
    """A PNG of a few hundred bytes that would unfold into 2.7 gigabytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("run.sh", "echo")
    return out.getvalue()


def video() -> bytes:
    """The smallest thing that is an MP4: a type box and an empty table of contents."""
    return struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + struct.pack(">I4s", 8, b"moov")


PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
