"""Text for old systems: what a charset can hold, what XML allows, what a file name may be.

Promises: nothing here raises on any text, lone surrogates included; the result of `encodable` encodes in its charset
and is legal XML 1.0; a letter written as letter plus accent (й from a Mac) is one letter first, so it survives.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

_ILLEGAL_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Signs people really type, said in signs that one-byte charsets have.
_SAID_OTHERWISE = {
    "₽": "руб.",
    "−": "-",
    "‑": "-",
    "‐": "-",
    "′": "'",
    "″": '"',
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "×": "x",
    "º": "°",
}
_LATIN = dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True)) | {
    "ё": "e", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "yu", "я": "ya",
}  # fmt: skip
_EXTENSION_CHARACTERS = 8


def known(name: str) -> str:
    """Python's name of a charset. Raises LookupError when there is none, or when it is not a text encoding."""
    info = codecs.lookup(name)
    "".encode(info.name)
    return info.name


def holds(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def legal_in_xml(text: str) -> str:
    """`text` without what XML 1.0 forbids: control characters and halves of characters."""
    return _ILLEGAL_IN_XML.sub("", text)


def encodable(text: str, charset: str, instead: str) -> str:
    """`text` with only what `charset` and XML 1.0 can hold; see the filter of this name."""
    whole = legal_in_xml(unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))
    if holds(whole, charset):
        return whole
    return "".join(sign if holds(sign, charset) else _other_way(sign, charset, instead) for sign in whole)


def _other_way(sign: str, charset: str, instead: str) -> str:
    # Joiners, variation selectors, skin tones and loose accents belong to the sign before them, which was answered for.
    if unicodedata.category(sign) in ("Cf", "Mn", "Me", "Sk"):
        return ""
    said = _SAID_OTHERWISE.get(sign) or unicodedata.normalize("NFKD", sign)
    kept = "".join(part for part in said if not unicodedata.combining(part))
    return kept if kept and holds(kept, charset) else instead


def shorten_bytes(text: str, length: int, charset: str) -> str:
    """At most `length` bytes of `charset`, ended by `…` where the charset has it. What cannot be encoded counts as `?`."""
    raw = text.encode(charset, "replace")
    if len(raw) <= length:
        return text
    mark = "…" if holds("…", charset) else ""
    room = length - len(mark.encode(charset))
    if room <= 0:
        mark, room = "", max(length, 0)
    return raw[:room].decode(charset, "ignore").rstrip() + mark


def ascii_name(name: str, length: int) -> str:
    """A file name of `[A-Za-z0-9._-]`, at most `length` characters, never empty, never hidden, extension kept."""
    # A name may come with a whole path of the sender's device.
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    stem, dot, extension = last.rpartition(".")
    if not dot or not stem:
        stem, extension = last, ""
    safe_extension = re.sub(r"[^a-z0-9]", "", in_latin(extension).lower())[:_EXTENSION_CHARACTERS]
    ending = f".{safe_extension}" if safe_extension else ""
    safe = re.sub(r"[^A-Za-z0-9.-]+", "_", in_latin(stem)).strip("._-") or "file"
    return safe[: length - len(ending)].rstrip("._-") + ending


def plain_name(name: str, length: int) -> str:
    """A file name in any letters, at most `length` characters: no path, no sign reserved on any system, never empty, never hidden."""
    last = re.split(r"[\\/]", legal_in_xml(unicodedata.normalize("NFC", name)))[-1]
    safe = re.sub(r'[<>:"|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]', "", last)
    safe = " ".join(safe.split()).strip(". ") or "file"
    stem, dot, extension = safe.rpartition(".")
    if not dot or len(extension) > _EXTENSION_CHARACTERS:
        return safe[:length].rstrip(". ")
    return stem[: length - len(extension) - 1].rstrip(". ") + "." + extension


def in_latin(text: str) -> str:
    """`text` with Russian letters spelled in Latin ones; other signs stay."""
    return "".join(_letter(sign) for sign in text)


def _letter(sign: str) -> str:
    latin = _LATIN.get(sign.lower())
    if latin is not None:
        return latin.capitalize() if sign.isupper() else latin
    plain = unicodedata.normalize("NFKD", sign)
    return "".join(part for part in plain if not unicodedata.combining(part))
