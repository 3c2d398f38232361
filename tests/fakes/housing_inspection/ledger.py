"""The housing inspection's database: one SQLite file, nothing acknowledged is lost by kill -9.

WAL with synchronous=FULL; every method is one transaction on the event loop's thread, so a check followed by a write
without an `await` between them is atomic. A change and its place in the webhook queue are written together.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.housing_inspection.case_rules import CLOSED, MOVES
from tests.fakes.housing_inspection.incoming import NewRequest

_TABLES = """
CREATE TABLE IF NOT EXISTS cases (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, external_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    title TEXT NOT NULL, description TEXT NOT NULL, lat REAL, lon REAL, address TEXT, territory_oktmo TEXT,
    received_at TEXT NOT NULL, state TEXT NOT NULL, changed_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL REFERENCES cases (id), sha256 TEXT NOT NULL,
    name TEXT NOT NULL, content_type TEXT NOT NULL, content BLOB NOT NULL, UNIQUE (case_id, sha256));
CREATE TABLE IF NOT EXISTS changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL REFERENCES cases (id), state TEXT NOT NULL,
    changed_at TEXT NOT NULL, comment TEXT, answer TEXT);
CREATE TABLE IF NOT EXISTS tokens (token_sha256 TEXT PRIMARY KEY, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS webhook (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), url TEXT NOT NULL,
    secret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS webhook_queue (
    change_seq INTEGER PRIMARY KEY REFERENCES changes (seq), case_id TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS webhook_queue_by_case ON webhook_queue (case_id, change_seq);
"""
_CHANGES = """SELECT changes.*, cases.external_id FROM changes JOIN cases ON cases.id = changes.case_id"""
_LOCAL = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True)
class QueuedChange:
    """The oldest undelivered change of one case: `item` as the feed shows it."""

    seq: int
    attempts: int
    item: dict[str, Any]


class Ledger:
    """Everything the agency knows."""

    def __init__(self, folder: Path) -> None:
        """Open or make the database in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.on_queued: Callable[[], None] = lambda: None
        self._db = sqlite3.connect(folder / "housing.sqlite3", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # cases

    def create(self, request: NewRequest) -> tuple[str, bool]:
        """Make a case. Returns its id and True, or the id of the first case with this external id and False."""
        now = datetime.now(UTC)
        place = request.location
        with self._transaction():
            row = self._one("SELECT id FROM cases WHERE external_id = ?", request.external_id)
            if row is not None:
                return str(row["id"]), False
            seq = self._db.execute(
                "INSERT INTO cases (external_id, kind, title, description, lat, lon, address, territory_oktmo,"
                " received_at, state, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'new', ?)",
                (
                    request.external_id,
                    request.kind,
                    request.title,
                    request.description,
                    place.lat if place else None,
                    place.lon if place else None,
                    request.address,
                    request.territory_oktmo,
                    request.received_at,
                    _written(now),
                ),
            ).lastrowid
            case_id = f"HI-{now.astimezone(_LOCAL).year}-{seq:06d}"
            self._db.execute("UPDATE cases SET id = ? WHERE seq = ?", (case_id, seq))
            self._record_change(case_id, "new", now, None, None)
        self.on_queued()
        return case_id, True

    def change(
        self, case_ids: Sequence[str], state: str, comment: str | None = None, answer: dict[str, Any] | None = None
    ) -> None:
        """Put cases into a state and tell the feed and the webhook. The caller has checked that it may."""
        with self._transaction():
            for case_id in case_ids:
                self._record_change(case_id, state, datetime.now(UTC), comment, answer)
        self.on_queued()

    def state_of(self, case_id: str) -> str | None:
        """The state of a case; None when there is no such case."""
        row = self._one("SELECT state FROM cases WHERE id = ?", case_id)
        return None if row is None else str(row["state"])

    def found_by(self, external_id: str) -> list[dict[str, Any]]:
        """`[{id, external_id, state, changed_at}]`: none or one."""
        rows = self._db.execute(
            "SELECT id, external_id, state, changed_at FROM cases WHERE external_id = ?", (external_id,)
        )
        return [dict(row) for row in rows]

    def open_cases(self) -> list[str]:
        """Ids of every case that is not closed, oldest first."""
        rows = self._db.execute("SELECT id, state FROM cases ORDER BY seq")
        return [row["id"] for row in rows if row["state"] not in CLOSED]

    def cases(self, external_id: str | None, after: str | None, limit: int) -> list[dict[str, Any]]:
        """What the agency really holds, oldest first, as the operator sees it."""
        rows = self._db.execute(
            "SELECT * FROM cases WHERE (? IS NULL OR external_id = ?)"
            " AND seq > coalesce((SELECT seq FROM cases WHERE id = ?), 0) ORDER BY seq LIMIT ?",
            (external_id, external_id, after, limit),
        ).fetchall()
        return [self._as_the_operator_sees(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """`cases`, `distinct_external_ids`, `files`, `changes`."""
        row = self._one(
            "SELECT (SELECT count(*) FROM cases) AS cases,"
            " (SELECT count(DISTINCT external_id) FROM cases) AS distinct_external_ids,"
            " (SELECT count(*) FROM files) AS files, (SELECT count(*) FROM changes) AS changes"
        )
        assert row is not None
        return dict(row)

    def as_it_stands(self, case_id: str) -> dict[str, Any]:
        """A case that exists, with the comment of its last change."""
        row = self._one(f"{_CHANGES} WHERE changes.case_id = ? ORDER BY changes.seq DESC LIMIT 1", case_id)
        assert row is not None
        item = _item(row)
        return {"id": case_id, **{name: item[name] for name in ("external_id", "state", "changed_at", "comment")}}

    # files

    def add_file(self, case_id: str, name: str, content_type: str, content: bytes, sha256: str) -> tuple[str, bool]:
        """Keep a file. Returns its id and True, or the id of the same content already there and False."""
        with self._transaction():
            row = self._one("SELECT seq FROM files WHERE case_id = ? AND sha256 = ?", case_id, sha256)
            if row is not None:
                return f"F-{row['seq']:06d}", False
            seq = self._db.execute(
                "INSERT INTO files (case_id, sha256, name, content_type, content) VALUES (?, ?, ?, ?, ?)",
                (case_id, sha256, name, content_type, content),
            ).lastrowid
        return f"F-{seq:06d}", True

    # the feed

    def changes_after(self, seq: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """At most `limit` changes after a position, in order, each with its own position."""
        rows = self._db.execute(f"{_CHANGES} WHERE changes.seq > ? ORDER BY changes.seq LIMIT ?", (seq, limit))
        return [(row["seq"], _item(row)) for row in rows]

    def last_change(self) -> int:
        """The position of the newest change; 0 when there is none."""
        row = self._one("SELECT coalesce(max(seq), 0) AS seq FROM changes")
        assert row is not None
        return int(row["seq"])

    # tokens

    def keep_token(self, token_sha256: str, expires_at: float) -> None:
        """Remember a token (its hash only) until a Unix time; tokens that are over are forgotten."""
        with self._transaction():
            self._db.execute("DELETE FROM tokens WHERE expires_at < ?", (time.time(),))
            self._db.execute("INSERT INTO tokens VALUES (?, ?)", (token_sha256, expires_at))

    def token_works(self, token_sha256: str) -> bool:
        """True for a token that was issued and is not over."""
        row = self._one("SELECT expires_at FROM tokens WHERE token_sha256 = ?", token_sha256)
        return row is not None and row["expires_at"] > time.time()

    # the webhook

    def set_webhook(self, url: str, secret: str) -> None:
        """Send changes from now on to this URL; what is still queued goes there too, at once."""
        with self._transaction():
            self._db.execute("UPDATE webhook_queue SET attempts = 0, due_at = 0")
            self._db.execute("INSERT OR REPLACE INTO webhook VALUES (1, ?, ?)", (url, secret))
        self.on_queued()

    def drop_webhook(self) -> None:
        """Send nothing any more and forget the queue."""
        with self._transaction():
            self._db.execute("DELETE FROM webhook")
            self._db.execute("DELETE FROM webhook_queue")

    def webhook(self) -> tuple[str, str] | None:
        """URL and secret; None when there is no webhook."""
        row = self._one("SELECT url, secret FROM webhook")
        return None if row is None else (row["url"], row["secret"])

    def due_for_webhook(self, now: float, limit: int) -> list[QueuedChange]:
        """The oldest queued change of each case, if its time has come: a case's changes never overtake each other."""
        rows = self._db.execute(
            "SELECT attempts, changes.*, cases.external_id FROM webhook_queue"
            " JOIN changes ON changes.seq = change_seq JOIN cases ON cases.id = changes.case_id"
            " WHERE change_seq IN (SELECT min(change_seq) FROM webhook_queue GROUP BY case_id) AND due_at <= ?"
            " ORDER BY change_seq LIMIT ?",
            (now, limit),
        )
        return [QueuedChange(row["seq"], row["attempts"], _item(row)) for row in rows]

    def next_due(self) -> float | None:
        """Unix time when the queue next wants attention; None when it is empty."""
        row = self._one(
            "SELECT min(due_at) AS due_at FROM webhook_queue"
            " WHERE change_seq IN (SELECT min(change_seq) FROM webhook_queue GROUP BY case_id)"
        )
        return None if row is None else row["due_at"]

    def webhook_delivered(self, seq: int) -> None:
        """Take a change off the queue."""
        with self._transaction():
            self._db.execute("DELETE FROM webhook_queue WHERE change_seq = ?", (seq,))

    def webhook_failed(self, seq: int, due_at: float) -> None:
        """Count a failed attempt and say when to try again."""
        with self._transaction():
            self._db.execute(
                "UPDATE webhook_queue SET attempts = attempts + 1, due_at = ? WHERE change_seq = ?", (due_at, seq)
            )

    # inside

    def _record_change(
        self, case_id: str, state: str, now: datetime, comment: str | None, answer: dict[str, Any] | None
    ) -> None:
        seq = self._db.execute(
            "INSERT INTO changes (case_id, state, changed_at, comment, answer) VALUES (?, ?, ?, ?, ?)",
            (case_id, state, _written(now), comment, None if answer is None else json.dumps(answer)),
        ).lastrowid
        self._db.execute("UPDATE cases SET state = ?, changed_at = ? WHERE id = ?", (state, _written(now), case_id))
        if self.webhook() is not None:
            self._db.execute(
                "INSERT INTO webhook_queue (change_seq, case_id, due_at) VALUES (?, ?, ?)",
                (seq, case_id, now.timestamp()),
            )

    def _as_the_operator_sees(self, row: sqlite3.Row) -> dict[str, Any]:
        files = self._db.execute(
            "SELECT name, sha256, length(content) AS size_bytes FROM files WHERE case_id = ? ORDER BY seq", (row["id"],)
        )
        place = {"lat": row["lat"], "lon": row["lon"], "address": row["address"], "territory": row["territory_oktmo"]}
        kept = ("id", "external_id", "state", "kind", "title", "received_at", "changed_at")
        return {
            **{name: row[name] for name in kept},
            "text": row["description"],
            "place": place,
            "files": [dict(file) for file in files],
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


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _item(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "event_id": f"EV-{row['seq']:08d}",
        "request_id": row["case_id"],
        "external_id": row["external_id"],
        "state": row["state"],
        "changed_at": row["changed_at"],
        "comment": row["comment"],
        "answer": None if row["answer"] is None else json.loads(row["answer"]),
    }
