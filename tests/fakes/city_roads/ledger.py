"""The road agency's database: one SQLite file, nothing acknowledged is lost by kill -9.

WAL with synchronous=FULL; every method is one transaction on the event loop's thread. Texts lie in it as windows-1251
bytes, as in the old system it stands for: `to_column` says no to what that table cannot hold. Times are local Moscow
time without a zone, to the second.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.city_roads.case_rules import CLOSED, MOVES, REGISTERED

CHANGES_AT_ONCE = 500
CHANGES_IN_A_SECOND = 250
"""Fewer than `CHANGES_AT_ONCE`, so that a reader of a full list always gets past its first second."""

_CHARSET = "windows-1251"
_MOSCOW = ZoneInfo("Europe/Moscow")
_NONCES_KEPT_S = 900
_TABLES = """
CREATE TABLE IF NOT EXISTS cases (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT UNIQUE, external_id TEXT NOT NULL UNIQUE, subject BLOB NOT NULL,
    text BLOB NOT NULL, kind TEXT NOT NULL, created_at TEXT NOT NULL, latitude REAL, longitude REAL, address BLOB,
    district TEXT, photo_count INTEGER, state TEXT NOT NULL, changed_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS photos (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, case_number TEXT NOT NULL REFERENCES cases (number), name TEXT NOT NULL,
    sha256 TEXT NOT NULL, content BLOB NOT NULL, UNIQUE (case_number, name));
CREATE TABLE IF NOT EXISTS changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, case_number TEXT NOT NULL REFERENCES cases (number), state TEXT NOT NULL,
    changed_at TEXT NOT NULL, remark BLOB, answer BLOB);
CREATE INDEX IF NOT EXISTS changes_by_time ON changes (changed_at, seq);
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, used_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS nonces_by_time ON nonces (used_at);
"""


class CannotBeStored(ValueError):
    """A text has a character that its column cannot hold; `column` says which."""

    def __init__(self, column: str) -> None:
        """Name the column, never the text."""
        super().__init__(f"{column} has a character that the column (windows-1251) cannot hold")
        self.column = column


@dataclass(frozen=True)
class NewCase:
    """A case as it will lie in the database: texts are windows-1251 bytes already."""

    external_id: str
    subject: bytes
    text: bytes
    kind: str
    created_at: str
    latitude: float | None
    longitude: float | None
    address: bytes | None
    district: str | None
    photo_count: int | None


@dataclass(frozen=True)
class Found:
    """What a search by external id shows."""

    number: str
    external_id: str
    state: str
    changed_at: str


@dataclass(frozen=True)
class Change:
    """One line of the change feed."""

    number: str
    state: str
    changed_at: str
    remark: str | None
    answer: str | None


def to_column(text: str, column: str) -> bytes:
    """The bytes of a text column. Raises CannotBeStored."""
    try:
        return text.encode(_CHARSET)
    except UnicodeEncodeError:
        raise CannotBeStored(column) from None


class Ledger:
    """Everything the agency knows."""

    def __init__(self, folder: Path) -> None:
        """Open or make the database in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "city-roads.sqlite3", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # the machine's side

    def create(self, case: NewCase) -> tuple[str, bool]:
        """Make a case. Returns its number and True, or the number of the first case of this external id and False."""
        with self._transaction():
            # Looked up first only so that a repeat uses up no number; the UNIQUE column is what forbids a second case.
            row = self._one("SELECT number FROM cases WHERE external_id = ?", case.external_id)
            if row is not None:
                return str(row["number"]), False
            values = {**vars(case), "state": REGISTERED, "changed_at": ""}
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            seq = self._db.execute(f"INSERT INTO cases ({names}) VALUES ({marks})", tuple(values.values())).lastrowid
            number = f"CR-{seq:06d}"
            self._db.execute("UPDATE cases SET number = ? WHERE seq = ?", (number, seq))
            self._record(number, REGISTERED, None, None)
        return number, True

    def add_photo(self, number: str, name: str, content: bytes) -> bool:
        """Keep a photo of a case that exists; False when one of this name is already there."""
        sha256 = hashlib.sha256(content).hexdigest()
        with self._transaction():
            added = self._db.execute(
                "INSERT INTO photos (case_number, name, sha256, content) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (case_number, name) DO NOTHING",
                (number, name, sha256, content),
            )
            return added.rowcount == 1

    def state_of(self, number: str) -> str | None:
        """The state of a case; None when there is no such case."""
        row = self._one("SELECT state FROM cases WHERE number = ?", number)
        return None if row is None else str(row["state"])

    def found_by(self, external_id: str) -> list[Found]:
        """The cases of an external id: none or one."""
        rows = self._db.execute(
            "SELECT number, external_id, state, changed_at FROM cases WHERE external_id = ?", (external_id,)
        )
        return [Found(**row) for row in rows]

    def last_change_of(self, number: str) -> Change | None:
        """How a case stands now: its last change; None when there is no such case."""
        row = self._one(
            "SELECT case_number AS number, state, changed_at, remark, answer FROM changes WHERE case_number = ?"
            " ORDER BY seq DESC LIMIT 1",
            number,
        )
        if row is None:
            return None
        return Change(**{**row, "remark": _text(row["remark"]), "answer": _text(row["answer"])})

    def change(
        self, numbers: Sequence[str], state: str, remark: bytes | None = None, answer: bytes | None = None
    ) -> None:
        """Put cases into a state and tell the feed, in one transaction. The caller has checked that it may."""
        with self._transaction():
            for number in numbers:
                self._record(number, state, remark, answer)

    def changes_since(self, moment: str) -> list[Change]:
        """The oldest `CHANGES_AT_ONCE` changes at or after a moment (`2026-07-01T12:00:00`), in order."""
        rows = self._db.execute(
            "SELECT case_number AS number, state, changed_at, remark, answer FROM changes WHERE changed_at >= ?"
            " ORDER BY changed_at, seq LIMIT ?",
            (moment, CHANGES_AT_ONCE),
        )
        return [Change(**{**row, "remark": _text(row["remark"]), "answer": _text(row["answer"])}) for row in rows]

    def use_nonce(self, nonce: str) -> bool:
        """Remember a nonce; False when it is remembered already. Those too old to be accepted anyway are forgotten."""
        now = time.time()
        with self._transaction():
            self._db.execute("DELETE FROM nonces WHERE used_at < ?", (now - _NONCES_KEPT_S,))
            added = self._db.execute("INSERT INTO nonces VALUES (?, ?) ON CONFLICT DO NOTHING", (nonce, now))
            return added.rowcount == 1

    # the operator's side

    def open_cases(self) -> list[str]:
        """Numbers of every case that is not closed, oldest first."""
        rows = self._db.execute("SELECT number, state FROM cases ORDER BY seq")
        return [row["number"] for row in rows if row["state"] not in CLOSED]

    def cases(self, external_id: str | None, after: str | None, limit: int) -> list[dict[str, Any]]:
        """What the agency really holds, oldest first, as the operator sees it."""
        rows = self._db.execute(
            "SELECT * FROM cases WHERE (? IS NULL OR external_id = ?)"
            " AND seq > coalesce((SELECT seq FROM cases WHERE number = ?), 0) ORDER BY seq LIMIT ?",
            (external_id, external_id, after, limit),
        ).fetchall()
        return [self._as_the_operator_sees(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """`cases`, `distinct_external_ids`, `files`, `changes`."""
        row = self._one(
            "SELECT (SELECT count(*) FROM cases) AS cases,"
            " (SELECT count(DISTINCT external_id) FROM cases) AS distinct_external_ids,"
            " (SELECT count(*) FROM photos) AS files, (SELECT count(*) FROM changes) AS changes"
        )
        assert row is not None
        return dict(row)

    # inside

    def _record(self, number: str, state: str, remark: bytes | None, answer: bytes | None) -> None:
        moment = self._stamp()
        self._db.execute(
            "INSERT INTO changes (case_number, state, changed_at, remark, answer) VALUES (?, ?, ?, ?, ?)",
            (number, state, moment, remark, answer),
        )
        self._db.execute("UPDATE cases SET state = ?, changed_at = ? WHERE number = ?", (state, moment, number))

    def _stamp(self) -> str:
        """The second of the next change: now, but never before the last change and never in a second that is full."""
        now = datetime.now(_MOSCOW).strftime("%Y-%m-%dT%H:%M:%S")
        row = self._one(
            "SELECT changed_at, count(*) AS many FROM changes"
            " WHERE changed_at = (SELECT max(changed_at) FROM changes) GROUP BY changed_at"
        )
        if row is None or row["changed_at"] < now:
            return now
        last: str = row["changed_at"]
        if row["many"] < CHANGES_IN_A_SECOND:
            return last
        return (datetime.fromisoformat(last) + timedelta(seconds=1)).isoformat()

    def _as_the_operator_sees(self, row: sqlite3.Row) -> dict[str, Any]:
        photos = self._db.execute(
            "SELECT name, sha256, length(content) AS size_bytes FROM photos WHERE case_number = ? ORDER BY seq",
            (row["number"],),
        )
        return {
            "id": row["number"],
            "external_id": row["external_id"],
            "state": row["state"],
            "kind": row["kind"],
            "title": _text(row["subject"]),
            "text": _text(row["text"]),
            "place": {
                "lat": row["latitude"],
                "lon": row["longitude"],
                "address": _text(row["address"]),
                "territory": row["district"],
            },
            "received_at": row["created_at"],
            "changed_at": row["changed_at"],
            "photo_count": row["photo_count"],
            "files": [dict(photo) for photo in photos],
            "moves": MOVES[row["state"]],
        }

    def _one(self, sql: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _text(column: bytes | None) -> str | None:
    return None if column is None else column.decode(_CHARSET)
