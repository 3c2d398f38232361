"""The reference people read aloud: what it looks like, and which slips of the tongue its check digit catches."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.reference import MAX_SERIAL, make_reference, read_reference

serials = st.integers(1, MAX_SERIAL)
years = st.integers(2026, 2099)


def test_a_reference_is_eleven_digits_in_four_groups() -> None:
    reference = make_reference(2026, 12345)
    assert reference[:-1] == "26-0001-2345-"
    assert reference[-1].isdigit()


@given(years, serials)
def test_what_was_made_is_read(year: int, serial: int) -> None:
    reference = make_reference(year, serial)
    assert read_reference(reference) == reference
    assert read_reference(f" {reference.replace('-', ' – ')} ") == reference


@given(years, serials, st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_caught(year: int, serial: int, place: int, change: int) -> None:
    digits = list(make_reference(year, serial).replace("-", ""))
    digits[place] = str((int(digits[place]) + change) % 10)
    assert read_reference("".join(digits)) is None


@given(years, serials, st.integers(0, 9))
def test_two_neighbours_swapped_are_caught(year: int, serial: int, place: int) -> None:
    digits = list(make_reference(year, serial).replace("-", ""))
    assume(digits[place] != digits[place + 1])
    digits[place], digits[place + 1] = digits[place + 1], digits[place]
    assert read_reference("".join(digits)) is None


@given(years, serials, serials)
def test_two_messages_have_two_references(year: int, one: int, other: int) -> None:
    assume(one != other)
    assert make_reference(year, one) != make_reference(year, other)


@pytest.mark.parametrize(
    "spoken", ["", "26", "26-0001-2345", "26-0001-2345-66", "２６０００１２３４５６", "26-0001-234x-5", "٢٦٠٠٠١٢٣٤٥٦"]
)
def test_what_is_no_reference_is_none(spoken: str) -> None:
    assert read_reference(spoken) is None


@pytest.mark.parametrize("serial", [0, -1, MAX_SERIAL + 1])
def test_a_serial_beyond_the_counter_is_refused(serial: int) -> None:
    with pytest.raises(ValueError, match="serial numbers"):
        make_reference(2026, serial)
