"""What is inside a citizen's photo or video: whether it is whole, and where and when it was taken (A-069).

Nothing here is drawn: only headers are read, so a small file that would unfold into gigabytes costs nothing. Hostile
or broken EXIF never makes a photo unusable: what cannot be read is simply not known. Everything here blocks: call it
in a thread.
"""

from __future__ import annotations

import logging
import math
import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from domain.attachment import MediaType

MAX_PIXELS = 150_000_000
"""More than any phone's camera makes."""
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_FORMATS = {MediaType.JPEG: ("JPEG", "MPO"), MediaType.PNG: ("PNG",), MediaType.WEBP: ("WEBP",)}
_GPS, _EXIF = 0x8825, 0x8769
_TAKEN, _TAKEN_OFFSET = 0x9003, 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _GPS_TIME, _GPS_DATE = 1, 2, 3, 4, 7, 29
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
_MOST_BOXES = 1000

log = logging.getLogger(__name__)


class Damaged(Exception):
    """The inside of the file is not what its beginning promises."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Where and when a photo was taken, as far as it says. Degrees of WGS 84."""

    latitude: float | None = None
    longitude: float | None = None
    taken_at: datetime | None = None


def look_into(path: Path, media_type: MediaType, now: datetime) -> Shot:
    """Check the file's inside and read what a photo says about itself. Raises Damaged."""
    if media_type in _FORMATS:
        return _look_into_image(path, media_type, now)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if media_type is MediaType.MP4:
            _check_boxes(content)
        elif media_type is MediaType.PDF and content.rfind(b"%%EOF") < 0:
            raise Damaged("no end")
        elif media_type is MediaType.TEXT:
            _check_text(content)
    return Shot()


def _look_into_image(path: Path, media_type: MediaType, now: datetime) -> Shot:
    try:
        with Image.open(path, formats=_FORMATS[media_type]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Damaged("too many pixels")
            # PNG may keep its EXIF behind the pixels; looking there would unfold them.
            known = media_type is not MediaType.PNG or "exif" in image.info
            shot = _read_shot(image, now) if known else Shot()
            image.verify()
    except Damaged:
        raise
    except Exception as error:  # noqa: BLE001 - a codec meets hostile bytes here and raises whatever it likes
        raise Damaged(type(error).__name__) from None
    if media_type is MediaType.JPEG:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.rfind(b"\xff\xd9") < 0:
                raise Damaged("no end")
    return shot


def _read_shot(image: Image.Image, now: datetime) -> Shot:
    try:
        exif = image.getexif()
        gps, details = exif.get_ifd(_GPS), exif.get_ifd(_EXIF)
    except Exception as error:  # noqa: BLE001 - EXIF is a foreign binary tree: anything may be wrong with it, and the photo is good without it
        log.info("a photo's EXIF could not be read (%s)", type(error).__name__)
        return Shot()
    latitude = _degrees(gps, _LATITUDE, _LATITUDE_REF, "NS", 90.0)
    longitude = _degrees(gps, _LONGITUDE, _LONGITUDE_REF, "EW", 180.0)
    taken_at = _written_time(details) or _satellite_time(gps)
    if taken_at is not None and not _OLDEST <= taken_at <= now + timedelta(days=1):
        taken_at = None
    # Zero and zero is what a receiver without a fix writes.
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return Shot(taken_at=taken_at)
    return Shot(latitude, longitude, taken_at)


def _degrees(gps: Mapping[int, Any], tag: int, reference_tag: int, signs: str, most: float) -> float | None:
    """`signs`: the letter of the positive and of the negative side."""
    try:
        degrees, minutes, seconds = (float(part) for part in gps[tag])
        side = signs.index(gps[reference_tag].strip("\0 ").upper() or "?")
        value = degrees + minutes / 60 + seconds / 3600
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    if not (math.isfinite(value) and 0 <= value <= most):
        return None
    return -value if side else value


def _written_time(details: Mapping[int, Any]) -> datetime | None:
    """The camera's own clock, when it says in which zone it runs; without one it names no instant."""
    written, offset = details.get(_TAKEN), details.get(_TAKEN_OFFSET)
    if not isinstance(written, str) or not isinstance(offset, str) or not _OFFSET.fullmatch(offset.strip("\0 ")):
        return None
    try:
        return datetime.strptime(written.strip("\0 ") + offset.strip("\0 "), "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _satellite_time(gps: Mapping[int, Any]) -> datetime | None:
    """The time of the GPS fix, which is UTC."""
    try:
        hour, minute, second = (int(float(part)) for part in gps[_GPS_TIME])
        day = datetime.strptime(gps[_GPS_DATE].strip("\0 "), "%Y:%m:%d").replace(tzinfo=UTC)
        return day.replace(hour=hour, minute=minute, second=second)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
        return None


def _check_boxes(content: mmap.mmap) -> None:
    """An MP4 is a row of boxes that ends where the file ends, one of them the table of contents."""
    place, names = 0, set()
    for _ in range(_MOST_BOXES):
        if place == len(content):
            break
        if place + 8 > len(content):
            raise Damaged("half a box")
        size, name = struct.unpack_from(">I4s", content, place)
        if size == 1 and place + 16 <= len(content):
            (size,) = struct.unpack_from(">Q", content, place + 8)
        elif size == 0:
            size = len(content) - place
        if size < 8 or place + size > len(content):
            raise Damaged("a box beyond the end")
        names.add(name)
        place += size
    if place != len(content) or b"moov" not in names:
        raise Damaged("no table of contents")


def _check_text(content: mmap.mmap) -> None:
    try:
        text = bytes(content).decode("utf-8")
    except UnicodeDecodeError:
        raise Damaged("not UTF-8") from None
    if "\0" in text:
        raise Damaged("not text")
