"""Makes a photo fit an agency's limit: the largest JPEG that does, upright, with what the camera wrote about place and time.

Promises: the same photo and limit give the same bytes every time, so that an agency recognises a repeat by its digest; a photo that
cannot be made to fit is none; everything here blocks: call it in a thread.
"""

from __future__ import annotations

import io
import math

from PIL import Image, ImageOps

MAX_PIXELS = 150_000_000
_QUALITY = 85
_LEAST_SIDE = 64
_TRIES = 7
_MAX_EXIF_BYTES = 60_000
# Three bytes a pixel; more would not fit beside a few other photos of one turn.
_WORKING_PIXELS = 24_000_000


def shrink(content: bytes, max_bytes: int) -> bytes | None:
    """The photo as a JPEG of at most `max_bytes`, or None when it is no photo or cannot fit."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            # A JPEG can be unfolded at a half, a quarter or an eighth at once.
            scale = math.sqrt(min(1.0, _WORKING_PIXELS / (image.width * image.height)))
            image.draft("RGB", (max(int(image.width * scale), 1), max(int(image.height * scale), 1)))
            upright = _on_white(ImageOps.exif_transpose(image))
            exif = upright.getexif().tobytes()
        return _largest_that_fits(upright, exif if len(exif) <= _MAX_EXIF_BYTES else b"", max_bytes)
    except Exception:  # noqa: BLE001 - a codec meets foreign bytes here and raises whatever it likes; such a photo is left out
        return None


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    whole = image.convert("RGBA")
    white = Image.new("RGB", whole.size, "white")
    white.paste(whole, mask=whole.getchannel("A"))
    white.info["exif"] = image.info.get("exif", b"")
    return white


def _largest_that_fits(image: Image.Image, exif: bytes, max_bytes: int) -> bytes | None:
    """Halve the interval of scales a few times: each try is smaller than the photo, and the last one that fitted is sent."""
    whole = _encoded(image, 1.0, exif)
    if whole is not None and len(whole) <= max_bytes:
        return whole
    small, large, best = 0.0, 1.0, None
    # Where the size grows with the pixels the first guess is nearly right.
    scale = math.sqrt(max_bytes / len(whole)) if whole else 0.5
    for _ in range(_TRIES):
        tried = _encoded(image, scale, exif)
        if tried is not None and len(tried) <= max_bytes:
            small, best = scale, tried
        elif tried is None:
            break
        else:
            large = scale
        scale = (small + large) / 2
    return best


def _encoded(image: Image.Image, scale: float, exif: bytes) -> bytes | None:
    size = (max(int(image.width * scale), 1), max(int(image.height * scale), 1))
    if scale < 1.0 and min(size) < min(_LEAST_SIDE, *image.size):
        return None
    scaled = image if scale == 1.0 else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    scaled.save(out, "JPEG", quality=_QUALITY, optimize=True, exif=exif)
    return out.getvalue()
