"""Which files a citizen may attach, judged by what is in them and never by their name alone.

Promises: a file that passes is what its stored name and type say; a script, a page or an archive is refused under
whatever name, also when it hides inside a photo. Only the first bytes, the last bytes and the size are needed here;
whoever stores the file checks the inside of its format.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from domain.bilingual import Bilingual
from domain.problem import Problem

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_NAME_CHARS = 200
MAX_UNUSED_PER_DAY = 50
"""How many files one person may upload in a day without sending a message with them."""
HEAD_BYTES = 4096
TAIL_BYTES = 66_000
"""Enough for the end record of a ZIP archive with the longest comment."""

_PATH = ("file",)
_ALLOWED_RU = "JPEG, PNG, WebP, PDF, MP4 или простой текст"
_ALLOWED_EN = "JPEG, PNG, WebP, PDF, MP4 or plain text"


class MediaType(StrEnum):
    """What is taken."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"
    MP4 = "video/mp4"
    TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class Kind:
    """What the content of a file is. `media_type` is None for what is not taken."""

    name: Bilingual
    media_type: MediaType | None = None


_KNOWN: dict[MediaType, tuple[Kind, tuple[str, ...]]] = {
    MediaType.JPEG: (
        Kind(Bilingual("изображение JPEG", "a JPEG image"), MediaType.JPEG),
        ("jpg", "jpeg", "jpe", "jfif"),
    ),
    MediaType.PNG: (Kind(Bilingual("изображение PNG", "a PNG image"), MediaType.PNG), ("png",)),
    MediaType.WEBP: (Kind(Bilingual("изображение WebP", "a WebP image"), MediaType.WEBP), ("webp",)),
    MediaType.PDF: (Kind(Bilingual("документ PDF", "a PDF document"), MediaType.PDF), ("pdf",)),
    MediaType.MP4: (Kind(Bilingual("видео MP4", "an MP4 video"), MediaType.MP4), ("mp4", "m4v")),
    MediaType.TEXT: (Kind(Bilingual("простой текст", "plain text"), MediaType.TEXT), ("txt",)),
}
_IMAGES = frozenset({MediaType.JPEG, MediaType.PNG, MediaType.WEBP})

_HTML = Kind(Bilingual("веб-страница", "a web page"))
_SCRIPT = Kind(Bilingual("программа-скрипт", "a script"))
_PROGRAM = Kind(Bilingual("программа", "a program"))
_ARCHIVE = Kind(Bilingual("архив", "an archive"))
_XML = Kind(Bilingual("документ XML или SVG", "an XML or SVG document"))
_HEIC = Kind(Bilingual("изображение HEIC", "a HEIC image"))
_GIF = Kind(Bilingual("изображение GIF", "a GIF image"))
_QUICKTIME = Kind(Bilingual("видео QuickTime", "a QuickTime video"))
_UNKNOWN = Kind(Bilingual("файл неизвестного вида", "a file of an unknown kind"))

_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", _KNOWN[MediaType.JPEG][0]),
    (b"\x89PNG\r\n\x1a\n", _KNOWN[MediaType.PNG][0]),
    (b"%PDF-", _KNOWN[MediaType.PDF][0]),
    (b"GIF8", _GIF),
    (b"MZ", _PROGRAM),
    (b"\x7fELF", _PROGRAM),
    (b"\xca\xfe\xba\xbe", _PROGRAM),
    (b"\xcf\xfa\xed\xfe", _PROGRAM),
    (b"PK\x03\x04", _ARCHIVE),
    (b"PK\x05\x06", _ARCHIVE),
    (b"Rar!", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"\x1f\x8b", _ARCHIVE),
)
_TEXT_BEGINNINGS: tuple[tuple[re.Pattern[bytes], Kind], ...] = (
    (re.compile(rb"#!|<\?php|<\?=|<%", re.IGNORECASE), _SCRIPT),
    (re.compile(rb"<!doctype\s+html|<(html|head|body|script|iframe|img|a|style|meta|form)\b", re.IGNORECASE), _HTML),
    (re.compile(rb"<\?xml|<svg\b|<!doctype|<!--", re.IGNORECASE), _XML),
)
_ACTIVE = re.compile(rb"<\?php[\s=]|<script[\s>/]|<html[\s>]|<!doctype html", re.IGNORECASE)
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heif", b"mif1", b"msf1", b"hevc", b"avif"})
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def recognise(head: bytes) -> Kind:
    """What a file is, from its first `HEAD_BYTES`."""
    if head[4:8] == b"ftyp":
        return _boxed(head[8:12])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _KNOWN[MediaType.WEBP][0]
    for beginning, kind in _SIGNATURES:
        if head.startswith(beginning):
            return kind
    if _BINARY.search(head):
        return _UNKNOWN
    words = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, kind in _TEXT_BEGINNINGS:
        if pattern.match(words):
            return kind
    return _SCRIPT if _ACTIVE.search(head) else _KNOWN[MediaType.TEXT][0]


def _boxed(brand: bytes) -> Kind:
    if brand in _HEIC_BRANDS:
        return _HEIC
    return _QUICKTIME if brand == b"qt  " else _KNOWN[MediaType.MP4][0]


def claimed(file_name: str) -> MediaType | None:
    """What the name's ending says the file is; None for no ending or one that says nothing we know."""
    ending = file_name.rpartition(".")[2].lower() if "." in file_name else ""
    return next((media_type for media_type, (_, endings) in _KNOWN.items() if ending in endings), None)


def check_size(size_bytes: int) -> Problem | None:
    """1 byte to `MAX_FILE_BYTES`."""
    if size_bytes == 0:
        return Problem(
            "FILE_EMPTY",
            _PATH,
            "Файл пуст (0 байт). Проверьте, открывается ли он у вас, и выберите его ещё раз.",
            "The file is empty (0 bytes). Check that it opens on your side and choose it again.",
        )
    if size_bytes > MAX_FILE_BYTES:
        return Problem(
            "FILE_TOO_LARGE",
            _PATH,
            f"Файл больше {MAX_FILE_BYTES // 2**20} МБ. Уменьшите фотографию или видео и приложите снова.",
            f"The file is larger than {MAX_FILE_BYTES // 2**20} MB. Make the photo or video smaller and attach it again.",
        )
    return None


def check_kind(file_name: str, head: bytes) -> MediaType | Problem:
    """The type of a file by its content, when it may be taken under this name.

    A photo under the name of another kind of photo is a photo; text under any name but `.txt` (or none) may be a program and is refused.
    """
    found, claim = recognise(head), claimed(file_name)
    media_type = found.media_type
    if media_type is None:
        return _not_taken(found, claim)
    family = {media_type} | (_IMAGES if media_type in _IMAGES else frozenset())
    if claim in family:
        return media_type
    if claim is not None or (media_type is MediaType.TEXT and "." in file_name):
        return _not_taken(found, claim)
    return media_type


def hides_something(media_type: MediaType, head: bytes, tail: bytes) -> bool:
    """Whether a file of a good type is at the same time an archive, a page or a script for whoever opens it under another name."""
    if media_type is MediaType.TEXT:
        return False
    end = tail.rfind(b"PK\x05\x06")
    # A ZIP ends with this record and a comment of the length the record names; anything else is chance.
    if (
        end >= 0
        and len(tail) >= end + 22
        and len(tail) - end - 22 == int.from_bytes(tail[end + 20 : end + 22], "little")
    ):
        return True
    if media_type is not MediaType.PDF and b"%PDF-" in head[:1024]:
        return True
    return bool(_ACTIVE.search(head) or (media_type in _IMAGES and _ACTIVE.search(tail)))


def hiding(media_type: MediaType) -> Problem:
    """The problem for a file that `hides_something`."""
    name = _KNOWN[media_type][0].name
    return Problem(
        "FILE_HIDES_ANOTHER",
        _PATH,
        f"Это {name.ru}, но внутри спрятан файл другого вида (страница, скрипт или архив). Сохраните снимок заново и приложите.",
        f"This is {name.en}, but a file of another kind (a page, a script or an archive) hides inside. Save it anew and attach that.",
    )


def damaged(media_type: MediaType) -> Problem:
    """The problem for a file whose beginning is right and whose inside is not."""
    name = _KNOWN[media_type][0].name
    return Problem(
        "FILE_DAMAGED",
        _PATH,
        f"Файл начинается как {name.ru}, но повреждён или слишком велик по размерам кадра. Откройте его у себя, сохраните заново и приложите.",
        f"The file begins as {name.en} but is damaged or has far too many pixels. Open it on your side, save it anew and attach that.",
    )


def too_many_unused() -> Problem:
    """The problem for a person who uploads and never sends."""
    return Problem(
        "TOO_MANY_FILES",
        _PATH,
        f"За сутки загружено больше {MAX_UNUSED_PER_DAY} файлов, не приложенных ни к одному сообщению. Отправьте сообщение с ними или подождите.",
        f"More than {MAX_UNUSED_PER_DAY} files were uploaded today without a message. Send the message with them, or wait.",
    )


def not_a_file() -> Problem:
    """The problem for something else in the place of a file."""
    return Problem(
        "FILE_MISSING",
        _PATH,
        "Здесь нужен файл. Отправьте его частью формы multipart/form-data по правилам GraphQL multipart request.",
        "A file is needed here. Send it as a part of a multipart/form-data form, as the GraphQL multipart request rules say.",
    )


def stored_name(file_name: str, media_type: MediaType) -> str:
    """A name that is safe to store, to show and to hand to an agency: no path, no hidden characters, and the ending of its type."""
    name = unicodedata.normalize("NFC", _as_written(file_name).encode("utf-8", "ignore").decode("utf-8"))
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    name = re.sub(r'[<>:"|?*\s]+', " ", name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    endings = _KNOWN[media_type][1]
    if not dot:
        stem, ending = name, endings[0]
    elif ending.lower() not in endings:
        ending = endings[0]
    stem = stem.strip(" .") or "file"
    return f"{stem[: MAX_NAME_CHARS - len(ending) - 1]}.{ending}"


def _as_written(file_name: str) -> str:
    """RFC 7578 lets a sender percent-encode a name that is not ASCII, and some HTTP libraries do."""
    if not file_name.isascii():
        return file_name
    try:
        decoded = unquote(file_name, errors="strict")
    except UnicodeDecodeError:
        return file_name
    return file_name if decoded.isascii() else decoded


def _not_taken(found: Kind, claim: MediaType | None) -> Problem:
    if claim is None:
        ru, en = f"Это {found.name.ru}", f"This is {found.name.en}"
    else:
        name = _KNOWN[claim][0].name
        ru = f"По имени это {name.ru}, а по содержанию — {found.name.ru}"
        en = f"By its name this is {name.en}, by its content {found.name.en}"
    return Problem(
        "FILE_TYPE_NOT_ALLOWED",
        _PATH,
        f"{ru}. Можно приложить {_ALLOWED_RU}; сохраните файл в одном из этих видов.",
        f"{en}. You can attach {_ALLOWED_EN}; save the file as one of these.",
    )
