"""Reading a CSV of messages: what spreadsheets write is understood, and a fault is told with its line and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.failure import Failure
from cli.message_table import Row, read_rows

WORDS = "Яма на дороге"


def table(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "messages.csv") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_rows(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, encoding: str, delimiter: str) -> None:
    header = delimiter.join(["theme", "Text", "category"])
    (row,) = table(tmp_path, f"{header}\r\nx{delimiter}{WORDS}{delimiter}roads/pothole\r\n", encoding)
    assert (row.input["text"], row.input["category"], row.line) == (WORDS, "roads/pothole", 2)


def test_line_breaks_inside_a_text_are_kept_and_lines_are_counted(tmp_path: Path) -> None:
    first, second = table(tmp_path, 'text\n"one\ntwo ""three"" "\n\nfour\n')
    assert (first.input["text"], first.line) == ('one\ntwo "three" ', 2)
    assert second.line == 5


def test_a_place_is_read_with_points_or_commas(tmp_path: Path) -> None:
    (row,) = table(tmp_path, 'text;lat;lon;territory\nяма;54,5;"36.25";29701000\n')
    assert row.input["place"] == {"territory": "29701000", "point": {"latitude": 54.5, "longitude": 36.25}}


@pytest.mark.parametrize(
    ("lat", "lon", "named"), [("54.5", "", "lon"), ("", "36", "lat"), ("x", "36", "lat"), ("54", "nan", "lon")]
)
def test_a_coordinate_that_is_none_is_a_fault_of_its_row_alone(tmp_path: Path, lat: str, lon: str, named: str) -> None:
    bad, good = table(tmp_path, f"text,lat,lon\none,{lat},{lon}\ntwo,,\n")
    assert bad.fault is not None
    assert bad.fault.startswith(named)
    assert good.fault is None


def test_a_row_with_more_cells_than_columns_is_not_cut_silently(tmp_path: Path) -> None:
    (row,) = table(tmp_path, "text,category\nwell, then,roads/pothole\n")
    assert row.fault is not None
    assert "quotes" in row.fault


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"message,theme\na,b\n", "column `text`"),
        (b"", "column `text`"),
        (b"text,text\na,b\n", "twice"),
        (b"text\n", "no message"),
        (b'text\n"never closed\n', "quotes"),
        ("text\nа\n".encode("utf-16"), "windows-1251"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_remedy(tmp_path: Path, content: bytes, named: str) -> None:
    path = tmp_path / "messages.csv"
    path.write_bytes(content)
    with pytest.raises(Failure, match=named):
        read_rows(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"nowhere\.csv cannot be read: No such file"):
        read_rows(tmp_path / "nowhere.csv")


def test_keys_stay_when_another_row_is_mended_and_tell_equal_rows_apart(tmp_path: Path) -> None:
    before = table(tmp_path, "text,category\none,wrong\ntwo,\ntwo,\n")
    after = table(tmp_path, "text,category\none,roads/pothole\ntwo,\ntwo,\n")
    assert [row.key for row in before[1:]] == [row.key for row in after[1:]]
    assert len({row.key for row in before + after}) == 4


def test_another_file_is_another_batch_of_messages(tmp_path: Path) -> None:
    (march,), (april,) = (table(tmp_path, "text\none\n", name=name) for name in ("march.csv", "april.csv"))
    assert march.key != april.key
