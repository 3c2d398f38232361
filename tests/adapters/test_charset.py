"""Text for old systems: nothing raises, what comes out can be stored, and Russian survives."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import charset

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
LETTERS = st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙ…“”«»—№ \n", max_size=60)


@settings(max_examples=200)
@given(ANY_TEXT)
def test_encodable_text_can_be_stored_and_is_legal_xml(text: str) -> None:
    out = charset.encodable(text, "cp1251", "?")
    out.encode("cp1251")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", out)
    assert charset.encodable(out, "cp1251", "?") == out


@given(LETTERS)
def test_russian_text_is_not_touched(text: str) -> None:
    assert charset.encodable(text, "cp1251", "?") == text


def test_a_letter_of_two_signs_becomes_one() -> None:
    assert charset.encodable(unicodedata.normalize("NFD", "чёрный йод"), "cp1251", "?") == "чёрный йод"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 000 ₽", "5 000 руб."),
        ("👨‍👩‍👧 и ☂️", "??? и ?"),
        ("10 м²", "10 м2"),
        ("a\x00b\x0bc\ud800", "abc"),
        ("раз\r\nдва\rтри", "раз\nдва\nтри"),
    ],
)
def test_a_sign_that_cannot_be_held_is_said_otherwise_or_replaced(text: str, expected: str) -> None:
    assert charset.encodable(text, "cp1251", "?") == expected


def test_utf8_keeps_everything_but_what_xml_forbids() -> None:
    assert charset.encodable("Яма 🕳\x01\udc00", "utf-8", "?") == "Яма 🕳"


@settings(max_examples=200)
@given(ANY_TEXT, st.integers(min_value=16, max_value=80))
def test_a_file_name_is_always_safe_and_short(text: str, length: int) -> None:
    name = charset.ascii_name(text, length)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
    assert len(name) <= length


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Фото двора.JPG", "Foto_dvora.jpg"),
        ("..\\..\\C:\\Новая папка\\яма.png", "yama.png"),
        ("../../etc/passwd", "passwd"),
        (".htaccess", "htaccess"),
        ("фото", "foto"),
        ("🕳.jpeg", "file.jpeg"),
        ("", "file"),
        ("щёлочь №5 (копия).tar.gz", "shcheloch_No5_kopiya_.tar.gz"),
    ],
)
def test_a_file_name_is_spelt_in_latin_letters(name: str, expected: str) -> None:
    assert charset.ascii_name(name, 80) == expected


@given(ANY_TEXT, st.integers(min_value=0, max_value=40))
def test_shortening_by_bytes_keeps_the_limit(text: str, length: int) -> None:
    assert len(charset.shorten_bytes(text, length, "utf-8").encode("utf-8", "replace")) <= length
    assert len(charset.shorten_bytes(text, length, "cp1251").encode("cp1251", "replace")) <= length
