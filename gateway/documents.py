"""Which document a request means: by its text, by the id of a trusted document, or by the hash of one that was registered.

What leaves here is a `Resolved`: a document that is known (parsed, within the limits, valid, costed) or carries its errors, and the operation's name
and variables. Whoever answers requests needs nothing else of them. The same rules hold for GET, POST, forms, event streams and sockets, because all
of them come through here.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from gateway.bodies import Asked
from gateway.document_reader import DocumentReader
from gateway.refusals import Code, Language, Refusal, bad_request
from gateway.settings import Settings
from schema.extensions.known_documents import KnownDocuments, Learned, digest_of
from schema.extensions.masking import public_error

_MOST_WRONG = 200
"""Documents whose errors are kept in words. Each holds its text, which is no longer than 64 KB."""
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Resolved:
    """One request, read. `document_id` is the SHA-256 of `text`; `learned` is what is known about the document."""

    document_id: bytes
    text: str
    operation_name: str | None
    variables: dict[str, Any] | None
    learned: Learned
    extensions: dict[str, Any] | None = None


class RequestErrors(Exception):
    """A request whose document is not executed, with the errors its sender may see."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


class Documents:
    """Finds documents for one door."""

    def __init__(self, known: KnownDocuments, settings: Settings, reader: DocumentReader) -> None:
        self._known = known
        self._reader = reader
        self._trusted_only = settings.trusted_only
        self._apq = settings.apq
        self._errors: OrderedDict[tuple[bytes, Language], list[GraphQLError]] = OrderedDict()

    def known(self, asked: Asked) -> Resolved | None:
        """The request, if its document is known; None when a text has to be read first. Raises Refusal."""
        learned = self._found(asked)
        return None if learned is None else _resolved(learned, asked)

    async def read(self, asked: Asked, caller: str) -> Resolved:
        """The request whose document is not known, at the caller's expense. Raises Refusal."""
        text = asked.query or ""
        return _resolved(await self._reader.read(caller, text, digest_of(text)), asked)

    def errors(self, learned: Learned, language: Language) -> list[GraphQLError]:
        """What is wrong with a document, as its sender may see it; worked out once, because wrong documents come again and again."""
        place = (learned.digest, language)
        known = self._errors.get(place)
        if known is None:
            suggestions = self._known.policy.suggestions
            known = [public_error(one, language, suggestions=suggestions) for one in learned.errors]
            self._errors[place] = known
            if len(self._errors) > _MOST_WRONG:
                self._errors.popitem(last=False)
        return known

    def _found(self, asked: Asked) -> Learned | None:
        persisted = _persisted(asked.extensions)
        if asked.document_id is None and persisted is None:
            return self._by_text(asked.query or "")
        if asked.document_id is not None and persisted is not None:
            raise bad_request(
                "Укажите либо documentId, либо extensions.persistedQuery, но не оба.",
                "Give either `documentId` or `extensions.persistedQuery`, not both.",
            )
        if asked.query is None:
            return self._by_id(asked.document_id, persisted)
        if persisted is None or not self._apq:
            raise bad_request(
                "Укажите либо текст в query, либо номер документа, но не оба.",
                "Give either a text in `query` or the id of a document, not both.",
            )
        if digest_of(asked.query) != persisted:
            raise bad_request(
                "extensions.persistedQuery.sha256Hash — не SHA-256 текста из query. Посчитайте его от байтов текста в UTF-8.",
                "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of the text in `query`. Take it of the text's UTF-8 bytes.",
            )
        return self._by_text(asked.query)

    def _by_text(self, text: str) -> Learned | None:
        digest = digest_of(text)
        if not self._trusted_only:
            return self._known.find(digest)
        trusted = self._known.trusted(digest)
        if trusted is None:
            raise _unknown(
                "Здесь выполняются только доверенные документы, а этого среди них нет.",
                "Only trusted documents are run here, and this one is not among them.",
            )
        return trusted

    def _by_id(self, document_id: str | None, persisted: bytes | None) -> Learned:
        digest = persisted if document_id is None else _digest(document_id)
        learned = None if digest is None else self._known.trusted(digest)
        if learned is None and digest is not None and self._apq:
            learned = self._known.find(digest)
        if learned is not None and not learned.errors:
            return learned
        if persisted is not None and self._apq:
            raise _said_to_apollo("PersistedQueryNotFound")
        if persisted is not None and not self._trusted_only:
            raise _said_to_apollo("PersistedQueryNotSupported")
        raise _unknown("Документа с таким номером здесь нет.", "There is no document of this id here.")


def _resolved(learned: Learned, asked: Asked) -> Resolved:
    return Resolved(learned.digest, learned.text, asked.operation_name, asked.variables, learned, asked.extensions)


def _digest(document_id: str) -> bytes | None:
    match = _ID.fullmatch(document_id)
    return bytes.fromhex(match[1]) if match else None


def _persisted(extensions: Mapping[str, Any] | None) -> bytes | None:
    """The hash in Apollo's extension, or None without the extension."""
    persisted = (extensions or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    found = _digest(digest) if isinstance(digest, str) else None
    if found is None or persisted.get("version", 1) != 1:
        raise bad_request(
            'extensions.persistedQuery должно быть вида {"version": 1, "sha256Hash": "64 строчные шестнадцатеричные цифры"}.',
            '`extensions.persistedQuery` must read {"version": 1, "sha256Hash": "64 lower-case hexadecimal digits"}.',
        )
    return found


def _unknown(ru: str, en: str) -> Refusal:
    return Refusal(
        400,
        Code.DOCUMENT_UNKNOWN,
        f"{ru} Проверьте, что таблица документов (OKNO_TRUSTED_DOCUMENTS) собрана из этой версии портала.",
        f"{en} Check that the table of documents (OKNO_TRUSTED_DOCUMENTS) was built from this version of the portal.",
    )


def _said_to_apollo(word: str) -> Refusal:
    """Apollo Client, urql and their kind know these two words and then send the text; the code stays one of our nine."""
    return Refusal(400, Code.DOCUMENT_UNKNOWN, word, word)
