"""A hub without its door: the schema over a real database, for people who are signed in without a token."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import strawberry
from sqlalchemy import event, insert
from starlette.datastructures import UploadFile
from strawberry.types.execution import ExecutionResult, PreExecutionError
from uuid6 import uuid7

from domain.actions.submit_message import Facts
from domain.problem import Problem, ProblemsFound
from domain.rights import Grant, Role
from domain.viewer import Viewer
from schema.context import Changes, Context, LanguageCode
from store.people import person_id
from store.reading import ReadStatement
from store.references import ReferenceSource
from store.role_grants import grant_role
from store.tables import AttachmentRow
from store.unit import Database

_FOLDER = Path(__file__).parent
_ISSUER = "https://sign-in.example"


@functools.cache
def document(name: str) -> str:
    """The text of `tests/api/<name>.graphql`."""
    return (_FOLDER / f"{name}.graphql").read_text()


@dataclass(frozen=True, slots=True)
class StoredFile:
    attachment_id: UUID


class RowsOnly:
    """Uploads that keep the row and the size, and refuse an empty file. The bytes are the gateway's business."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, person_id: UUID, upload: UploadFile) -> StoredFile:
        content = await upload.read()
        if not content:
            raise ProblemsFound(Problem("FILE_EMPTY", ("file",), "Файл пуст. Выберите другой.", "The file is empty."))
        attachment_id = uuid7()
        row = {
            "id": attachment_id,
            "person_id": person_id,
            "file_name": upload.filename or "file",
            "media_type": "image/jpeg",
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        async with self._database.unit() as unit:
            await unit.execute(insert(AttachmentRow), row)
        return StoredFile(attachment_id)


@dataclass
class Hub:
    """Executes documents. `clock` stands still unless a test moves it."""

    schema: strawberry.Schema
    database: Database
    facts: Facts
    changes: Changes
    references: ReferenceSource
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def person(self, name: str) -> Viewer:
        """Somebody who is signed in."""
        return Viewer(await person_id(self.database, _ISSUER, name), _ISSUER, name)

    async def official(self, name: str, role: Role, organisation: str) -> Viewer:
        """Somebody with one role."""
        person = await self.person(name)
        async with self.database.unit() as unit:
            await grant_role(unit, person.person_id, role, organisation)
        return replace(person, grants=(*person.grants, Grant(role, organisation)))

    def context(self, viewer: Viewer | None, language: LanguageCode = "en") -> Context:
        return Context(
            database=self.database,
            viewer=viewer,
            facts=self.facts,
            language=language,
            changes=self.changes,
            uploads=RowsOnly(self.database),
            clock=lambda: self.now,
            references=self.references,
        )

    async def run(
        self,
        text: str,
        variables: Mapping[str, Any] | None = None,
        *,
        viewer: Viewer | None = None,
        language: LanguageCode = "en",
        operation: str | None = None,
    ) -> ExecutionResult:
        """The raw result of a document, errors and all."""
        return await self.schema.execute(
            text,
            variable_values=dict(variables or {}),
            context_value=self.context(viewer, language),
            operation_name=operation,
        )

    async def ask(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        viewer: Viewer | None = None,
        language: LanguageCode = "en",
        operation: str | None = None,
    ) -> dict[str, Any]:
        """The data of the document `tests/api/<name>.graphql`, which must have no errors and be JSON."""
        result = await self.run(document(name), variables, viewer=viewer, language=language, operation=operation)
        assert result.errors is None, [(error.message, error.path) for error in result.errors]
        data: dict[str, Any] = json.loads(json.dumps(result.data))
        return data

    async def submit(self, viewer: Viewer, text: str = "Яма на дороге", **given: Any) -> dict[str, Any]:
        """A message of this person that must be accepted."""
        form = {"idempotencyKey": str(uuid4()), "text": text, **given}
        payload = (await self.ask("submit_message", {"input": form}, viewer=viewer))["submitMessage"]
        assert payload["errors"] == []
        message: dict[str, Any] = payload["message"]
        return message

    async def follow(
        self, reference: str, viewer: Viewer | None
    ) -> AsyncGenerator[PreExecutionError | ExecutionResult, None]:
        """The subscription to one message."""
        return await self.schema.subscribe(
            document("message_changed"), {"reference": reference}, context_value=self.context(viewer)
        )

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL statements that operations execute inside the block; those of the background relay are left out."""
        seen: list[str] = []
        reads = self.database.reads
        run = reads.json_text

        async def read(statement: str | ReadStatement, parameters: Mapping[str, Any]) -> bytes | None:
            seen.append(statement if isinstance(statement, str) else statement.text.decode())
            return await run(statement, parameters)

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith(("NOTIFY", "UPDATE turn")):
                seen.append(statement)

        engine = self.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        reads.json_text = read  # type: ignore[method-assign]
        try:
            yield seen
        finally:
            del reads.json_text
            event.remove(engine, "before_cursor_execute", note)


def fault_of(result: ExecutionResult | PreExecutionError) -> dict[str, Any]:
    """The extensions of the only error of a result."""
    assert result.errors is not None
    assert len(result.errors) == 1, [error.message for error in result.errors]
    return dict(result.errors[0].extensions or {})
