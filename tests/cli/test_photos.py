"""The demo's pictures carry their place and time as a telephone writes them."""

from __future__ import annotations

import io
from datetime import datetime
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image

from cli.demo.photos import photo

TAKEN = datetime(2026, 3, 2, 9, 15, tzinfo=ZoneInfo("Europe/Moscow"))


def test_a_picture_says_where_and_when_it_was_taken() -> None:
    exif = Image.open(io.BytesIO(photo(1, 54.5138, 36.2612, TAKEN))).getexif()
    place, details = exif.get_ifd(ExifTags.IFD.GPSInfo), exif.get_ifd(ExifTags.IFD.Exif)
    degrees, minutes, seconds = (float(part) for part in place[ExifTags.GPS.GPSLatitude])
    assert abs(degrees + minutes / 60 + seconds / 3600 - 54.5138) < 1e-4
    assert place[ExifTags.GPS.GPSLongitudeRef] == "E"
    assert details[ExifTags.Base.DateTimeOriginal] == "2026:03:02 09:15:00"
    assert details[ExifTags.Base.OffsetTimeOriginal] == "+03:00"


def test_every_picture_is_another() -> None:
    assert len({photo(seed, 54.5, 36.2, TAKEN) for seed in range(5)}) == 5
