"""The real gateway for clients of other makers: `okno serve` as a process on a free port of 127.0.0.1, and people with messages in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from joserfc.jwk import OKPKey
from sqlalchemy import create_engine, insert, select
from uuid6 import uuid7

from store.home import PROJECT
from store.tables import AnswerRow, MessageRow
from tests.gateway.tokens import ISSUER, claims, new_key, sign, write_keys

OPERATIONS = PROJECT / "portal" / "operations"
_READY_WITHIN_S = 150.0


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that listens. `url` ends with /graphql."""

    url: str
    database_url: str
    log: Path
    key: OKPKey

    def token(self, subject: str) -> str:
        """A token of this gateway's issuer for an hour."""
        return sign(self.key, claims(sub=subject, exp=int(time.time()) + 3600))

    def ask(self, operation: str, variables: dict[str, Any] | None = None, *, subject: str | None = None) -> Any:
        """The `data` of `portal/operations/<operation>.graphql`, which must have no errors."""
        text = (OPERATIONS / f"{operation}.graphql").read_text(encoding="utf-8")
        headers = {"Content-Type": "application/json"}
        if subject is not None:
            headers["Authorization"] = f"Bearer {self.token(subject)}"
        body = json.dumps({"query": text, "variables": variables or {}}).encode()
        request = urllib.request.Request(self.url, body, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    def submit(self, subject: str, text: str) -> str:
        """The reference of a message that this person sends."""
        place = {"point": {"latitude": 54.5138, "longitude": 36.2612}}
        form = {"idempotencyKey": str(uuid4()), "text": text, "category": "roads/pothole", "place": place}
        payload = self.ask("submit-a-message", {"input": form}, subject=subject)["submitMessage"]
        assert payload["errors"] == [], payload
        reference: str = payload["message"]["reference"]
        return reference

    def answer(self, reference: str, text: str = "Яма заделана.") -> UUID:
        """Put an organisation's answer to the message into the database; its key."""
        engine = create_engine(self.database_url)
        answer_id: UUID = uuid7()
        with engine.begin() as connection:
            message = connection.execute(
                select(MessageRow.id, MessageRow.organisation_code).where(MessageRow.reference == reference)
            ).one()
            row = {"message_id": message.id, "organisation_code": message.organisation_code, "version": 1}
            connection.execute(insert(AnswerRow), {"id": answer_id, "text": text, **row})
        engine.dispose()
        return answer_id


@contextlib.contextmanager
def served(database_url: str, folder: Path, **environment: str) -> Iterator[Served]:
    """`okno serve` over this database, ready; stopped with SIGTERM at the end. `folder` becomes its OKNO_HOME.

    Development unless `OKNO_MODE="production"` is given; an issuer of its own signs the tokens in either mode.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key, keys, log = new_key(), folder / "issuer.json", folder / "gateway.log"
    write_keys(keys, key)
    variables = {
        "OKNO_HOME": str(folder),
        "OKNO_DATABASE_URL": database_url,
        "OKNO_TOKEN_ISSUER": ISSUER,
        "OKNO_TOKEN_KEYS": str(keys),
    }
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0"]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **variables, **environment}, stderr=stderr)
    try:
        yield Served(_address(log, process), database_url, log, key)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    ends_at = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < ends_at and process.poll() is None:
        said = log.read_text()
        found = re.search(r"serving (http://\S+/graphql)", said)
        if found and "startup complete" in said:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"the gateway did not start:\n{log.read_text()}")
