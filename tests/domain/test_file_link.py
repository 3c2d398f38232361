"""Links to files: good for one file and one while, and for nothing that was touched."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.file_link import FileLinks, ends_of_link

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIFE = timedelta(days=7)
LINKS = FileLinks(b"k" * 32, "https://hub.example/")
FILE = uuid4()


def test_a_link_leads_to_its_file_until_it_ends() -> None:
    link = LINKS.link(FILE, NOW + LIFE)
    assert link.startswith("https://hub.example/files/")
    token = link.rpartition("/")[2]
    assert LINKS.read(token, NOW) == FILE
    assert LINKS.read(token, NOW + LIFE - timedelta(seconds=1)) == FILE
    assert LINKS.read(token, NOW + LIFE) is None


def test_no_character_of_a_link_can_be_changed() -> None:
    token = LINKS.token(FILE, NOW + LIFE)
    for place, letter in enumerate(token):
        for other in "AB":
            changed = token[:place] + other + token[place + 1 :]
            assert letter == other or LINKS.read(changed, NOW) is None


def test_a_link_of_another_key_is_none() -> None:
    assert FileLinks(b"l" * 32).read(LINKS.token(FILE, NOW + LIFE), NOW) is None


def test_the_spare_bits_of_the_last_character_give_no_second_spelling() -> None:
    token = LINKS.token(FILE, NOW + LIFE)
    raw = base64.urlsafe_b64decode(token + "=")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [token[:-1] + one for one in letters if base64.urlsafe_b64decode(token[:-1] + one + "=") == raw]
    assert len(same) > 1
    assert [one for one in same if LINKS.read(one, NOW)] == [token]


@pytest.mark.parametrize("token", ["", "x", "A" * 75, "=" * 75, "ж" * 75, "A" * 74 + "\n", "A" * 100_000, "/" * 75])
def test_what_is_no_link_is_none(token: str) -> None:
    assert LINKS.read(token, NOW) is None


def test_without_a_public_address_there_is_no_link() -> None:
    with pytest.raises(ValueError, match="OKNO_PUBLIC_ADDRESS"):
        FileLinks(b"k" * 32).link(FILE, NOW)


def test_a_key_is_never_shown() -> None:
    assert "kkkk" not in repr(LINKS)


def test_a_repeat_of_a_call_has_the_same_link_and_a_late_one_a_life_of_its_own() -> None:
    first = NOW.replace(microsecond=5)
    assert {ends_of_link(first, first + timedelta(hours=hours), LIFE) for hours in range(84)} == {NOW + LIFE}
    late = NOW + timedelta(days=4)
    assert ends_of_link(first, late, LIFE) == late + LIFE
