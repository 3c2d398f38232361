"""Pictures for the demo, painted on the spot: a street with what the message is about, and in the EXIF part where and when it was "taken"."""

from __future__ import annotations

import io
import random
from datetime import datetime, timedelta

from PIL import ExifTags, Image, ImageDraw

SIZE = (960, 720)


def photo(seed: int, latitude: float, longitude: float, taken_at: datetime) -> bytes:
    """A JPEG; another seed, another picture. `taken_at` with its zone."""
    chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
    image = Image.new("RGB", SIZE, (chance.randint(120, 180), chance.randint(170, 200), 225))
    draw = ImageDraw.Draw(image)
    for number in range(6):
        left = number * 170 + chance.randint(-30, 30)
        shade = chance.randint(110, 190)
        draw.rectangle((left, chance.randint(120, 300), left + 150, 470), fill=(shade, shade - 20, shade - 40))
        for row, column in ((row, column) for row in range(4) for column in range(3)):
            x, y = left + 18 + column * 44, 320 + row * 36
            draw.rectangle((x, y, x + 22, y + 22), fill=(250, 235, 160) if chance.random() < 0.3 else (70, 80, 95))
    draw.rectangle((0, 470, *SIZE), fill=(85, 85, 90))
    for left in range(0, SIZE[0], 120):
        draw.rectangle((left, 590, left + 60, 598), fill=(235, 235, 235))
    for _ in range(chance.randint(1, 3)):
        x, y = chance.randint(150, 700), chance.randint(500, 640)
        draw.ellipse((x, y, x + chance.randint(80, 190), y + chance.randint(25, 55)), fill=(40, 40, 45))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=82, exif=_exif(latitude, longitude, taken_at))
    return stream.getvalue()


def _exif(latitude: float, longitude: float, taken_at: datetime) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Okno demo"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    details[ExifTags.Base.OffsetTimeOriginal] = _offset(taken_at)
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "NS"[latitude < 0], _degrees(latitude)
    place[ExifTags.GPS.GPSLongitudeRef], place[ExifTags.GPS.GPSLongitude] = "EW"[longitude < 0], _degrees(longitude)
    return exif


def _offset(moment: datetime) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _degrees(value: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds, as EXIF wants them."""
    minutes, seconds = divmod(abs(value) * 3600, 60)
    degrees, minutes = divmod(minutes, 60)
    return degrees, minutes, round(seconds, 2)
