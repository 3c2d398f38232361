"""Times as agencies write them, and what is hidden in their words."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from adapters.hiding import MARK, Hiding, hidden
from adapters.times import bad_form, moment_from

MOSCOW = ZoneInfo("Europe/Moscow")
EIGHT = datetime(2026, 4, 21, 8, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "2026-04-21T11:06:00"),
        ("iso", "2026-04-21T08:06:00Z"),
        ("%d-%b-%Y %H:%M:%S", "21-APR-2026 11:06:00"),
        ("%d %b %Y, %H:%M", "21 апреля 2026,  11:06"),
        ("%d %b %Y г. %H:%M", "21 апр. 2026 г. 11:06"),
        ("%d.%m.%y %H.%M", "21.04.26 11.06"),
        ("%m/%d/%Y %I:%M %p", "4/21/2026 11:06 AM"),
        ("%Y%m%d%H%M%S%f", "20260421110600000"),
        ("%d.%m.%Y %H:%M %z", "21.04.2026 14:06 +06:00"),
        ("epoch", "1776758760"),
        ("epoch", 1776758760),
        ("epoch-ms", 1776758760000),
        ("net", "/Date(1776758760000)/"),
    ],
)
def test_q13_a_time_is_read_in_its_form(form: str, text: object) -> None:
    assert bad_form(form) is None
    assert moment_from(text, (form,), MOSCOW) == EIGHT


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "21.04.2026"),
        ("iso", True),
        ("iso", None),
        ("%d.%m.%Y", "31.02.2026"),
        ("%d.%m.%Y", "21.04.2026 11:06"),
        ("%d %b %Y", "21 Brumaire 2026"),
        ("%m/%d/%Y %I:%M %p", "4/21/2026 13:06 PM"),
        ("epoch", "99999999999999"),
        ("epoch", "soon"),
        ("net", "/Date(x)/"),
        ("%d.%m.%Y", "٢١.٠٤.٢٠٢٦x"),
        ("iso", "2" * 10_000),
    ],
)
def test_what_fits_no_form_is_no_time(form: str, text: object) -> None:
    assert moment_from(text, (form,), MOSCOW) is None


def test_q13_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    # Moscow's clock went back from 02:00 to 01:00 on 26 October 2014.
    assert moment_from("26.10.2014 01:30", ("%d.%m.%Y %H:%M",), MOSCOW) == datetime(2014, 10, 25, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize("form", ["%Q", "%d.%m", "%d.%d.%Y", "%H:%M", "yyyy", "%d %b %Y %H %I"])
def test_what_is_no_form_is_said_so(form: str) -> None:
    assert bad_form(form)


ALL = Hiding(("phones", "emails", "links"), ("Иванов И.И.",))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Звоните +7 (910) 123-45-67", f"Звоните {MARK}"),
        ("8-910-123-45-67 или 8 4842 551234", f"{MARK} или {MARK}"),
        ("(4842) 55-12-34", MARK),
        ("тел. 55-12-34, каб. 7", f"тел.{MARK}, каб. 7"),
        ("Пишите ivanov.ii@mail.kaluga.example.", f"Пишите {MARK}."),
        ("См. https://works.example/x?y=1 и www.works.example", f"См. {MARK} и {MARK}"),
        ("Ответил иванов и.и.", f"Ответил {MARK}"),
        ("Приказ № 29701000001 от 01.03.2026, 12 345 678 руб., дом 8", "Приказ № 29701000001 от 01.03.2026, 12 345 678 руб., дом 8"),
    ],
)  # fmt: skip
def test_persons_are_hidden_and_facts_stay(text: str, left: str) -> None:
    assert hidden(text, ALL) == left


def test_nothing_is_hidden_unless_the_file_says_so() -> None:
    assert hidden("+7 910 123-45-67", Hiding()) == "+7 910 123-45-67"


@pytest.mark.parametrize(
    "text", ["8 " * 10_000, "a" * 20_000, "a." * 10_000 + "@", "+7(" * 7_000, "тел. " + "1 " * 10_000]
)
def test_no_text_makes_hiding_slow(text: str) -> None:
    began = time.process_time()
    hidden(text, ALL)
    assert time.process_time() - began < 2
