"""Messages in a CSV file: `text` and, where there are, `category`, `lat`, `lon`, `territory`; other columns are left alone.

Reads what spreadsheets write: UTF-8 with or without a byte order mark, windows-1251; commas, semicolons or tabs. A fault of
the file as a whole is a Failure, a fault of one row is kept with the row, so that the others can go.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.failure import Failure

COLUMNS = ("text", "category", "lat", "lon", "territory")
_ENCODINGS = ("utf-8-sig", "cp1251")


@dataclass(frozen=True, slots=True)
class Row:
    """One message of the file. `line` is where the row begins, counted from 1; `fault` says why it cannot be sent."""

    line: int
    key: str
    input: Mapping[str, Any]
    """`SubmitMessageInput`, with its idempotency key."""
    fault: str | None = None


def read_rows(path: Path) -> list[Row]:
    """Every message of the file. Raises Failure, naming the remedy, when there is no reading it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}. Name a CSV file with a column `text`.") from None
    text = _decoded(raw, path)
    delimiter, header = _header(text, path)
    seen: Counter[str] = Counter()
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_row(line, header, cells, path.name, seen))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Failure(
            f"{path}: near line {reader.line_num}: {error}. A cell with quotes or line breaks stands in quotes, quotes in it doubled."
        ) from None
    if not rows:
        raise Failure(f"{path} has no message below its header.")
    return rows


def _decoded(raw: bytes, path: Path) -> str:
    for encoding in _ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        # windows-1251 reads nearly anything: zero bytes are UTF-16 or no text at all.
        if "\0" not in text:
            return text
    raise Failure(f"{path} is neither UTF-8 nor windows-1251 text. Save it as `CSV UTF-8`.")


def _header(text: str, path: Path) -> tuple[str, list[str]]:
    """The delimiter and the names of the columns."""
    first = text.split("\n", 1)[0].strip("\r")
    names: list[str] = []
    for delimiter in (",", ";", "\t"):
        names = [name.strip().strip('"').lower() for name in first.split(delimiter)]
        if "text" in names:
            twice = [name for name in COLUMNS if names.count(name) > 1]
            if twice:
                raise Failure(f"{path}: the column `{twice[0]}` is there twice. Remove or rename one of them.")
            return delimiter, names
    raise Failure(
        f"{path}: line 1 has no column `text`. The first line names the columns: text and, if you have them, {', '.join(COLUMNS[1:])}."
    )


def _row(line: int, header: list[str], cells: list[str], file: str, seen: Counter[str]) -> Row:
    # The text goes as it is; the others are words for machines.
    values = {
        name: cell if name == "text" else cell.strip()
        for name, cell in zip(header, cells, strict=False)
        if name in COLUMNS and cell.strip()
    }
    key = _key(file, values, seen)
    if len(cells) > len(header):
        return Row(
            line,
            key,
            {},
            "the row has more cells than line 1 has columns; put a text with separators in it into quotes",
        )
    given: dict[str, Any] = {"idempotencyKey": key, "text": values.get("text", "")}
    if "category" in values:
        given["category"] = values["category"]
    place: dict[str, Any] = {}
    if "territory" in values:
        place["territory"] = values["territory"]
    if "lat" in values or "lon" in values:
        latitude, longitude = _degrees(values.get("lat", "")), _degrees(values.get("lon", ""))
        if latitude is None or longitude is None:
            wrong = "lat" if latitude is None else "lon"
            return Row(
                line,
                key,
                {},
                f"{wrong}: must be degrees such as 54.5138; leave both lat and lon empty when there is no point",
            )
        place["point"] = {"latitude": latitude, "longitude": longitude}
    if place:
        given["place"] = place
    return Row(line, key, given)


def _degrees(cell: str) -> float | None:
    """A number with a point or a comma, or None."""
    try:
        value = float(cell.replace(",", ".", 1))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _key(file: str, values: Mapping[str, str], seen: Counter[str]) -> str:
    """The same row of the same file always has the same key, also after other rows were mended; equal rows are told apart by their order."""
    words = hashlib.sha256(json.dumps([file, values], sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:40]
    seen[words] += 1
    return f"csv-{words}-{seen[words]}"
