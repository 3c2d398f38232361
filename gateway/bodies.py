"""Reads the body of a GraphQL request into what is to be executed, and refuses what is not one before any of it is
executed.

A body is counted while it arrives and dropped when it passes its limit. Files come by the GraphQL multipart request
rules and need a header that a foreign web page cannot send (`x-requested-with` or `apollo-require-preflight`), because
browsers let any page post a form.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from strawberry.http.parse_content_type import parse_content_type

from gateway.refusals import Code, Refusal, bad_request
from gateway.settings import Limits
from gateway.sign_in import unauthenticated
from gateway.strict_json import read_json, read_object

PREFLIGHT_HEADERS = ("x-requested-with", "apollo-require-preflight")

_PATH = re.compile(r"variables(\.[A-Za-z0-9_]{1,64}){1,6}")
_PARTS = 2
_LINGER_S = 5.0
_LINGER_BYTES = (
    80 * 1024 * 1024
)  # a little more than the largest form: whoever sends one must be able to read the refusal


@dataclass(slots=True)
class Asked:
    """One GraphQL request. Close `form` when it is answered: the files in it are open.

    `query` or `document_id` or `extensions.persistedQuery` says what is asked; `gateway.documents` decides which.
    """

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None
    document_id: str | None = None
    form: FormData = field(default_factory=FormData)


async def read_asked(request: Request, limits: Limits, pay: Callable[[int], None], *, signed_in: bool) -> Asked:
    """The request of a GET or POST. `pay` is told the bytes of a body of JSON before it is read as such. Raises Refusal, also what `pay` raises."""
    if request.method == "GET":
        return _from_parameters(request, limits)
    media = media_of(request.headers.get("content-type", ""))
    if media == "application/json":
        raw = await read_body(request, limits.json_bytes)
        pay(len(raw))
        return asked_in_json(raw, limits)
    if media == "multipart/form-data":
        return await _from_form(request, limits, signed_in=signed_in)
    raise bad_request(
        "Такой Content-Type не принимается. Отправьте application/json в UTF-8, а файлы — multipart/form-data.",
        "This Content-Type is not taken. Send application/json in UTF-8, and files as multipart/form-data.",
        415,
    )


@lru_cache(maxsize=64)
def media_of(content_type: str) -> str | None:
    """The media type of a body in UTF-8, as its Content-Type says; None for a body in anything else."""
    media, parameters = parse_content_type(content_type)
    return media if parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"} else None


def asked_in_json(raw: bytes, limits: Limits) -> Asked:
    """The request in a body of JSON. Raises Refusal."""
    return asked_by(read_object(raw, limits, "Тело запроса GraphQL", "The body of a GraphQL request"))


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises Refusal (413) at the first byte too many."""
    pieces = [piece async for piece in _counted(request, limit_bytes)]
    return b"".join(pieces)


async def _counted(request: Request, limit_bytes: int) -> AsyncGenerator[bytes, None]:
    announced = request.headers.get("content-length", "")
    known_large = announced.isascii() and announced.isdigit() and int(announced[:20]) > limit_bytes
    arrived, stream = 0, request.stream()
    while not known_large:
        piece = await anext(stream, None)
        if piece is None:
            return
        arrived += len(piece)
        if arrived > limit_bytes:
            break
        yield piece
    await _let_finish(stream)
    raise Refusal(
        413,
        Code.BAD_REQUEST,
        f"Тело запроса больше {limit_bytes} байт. Сократите его; файлы отправляйте по одному.",
        f"The body is larger than {limit_bytes} bytes. Make it smaller; send files one by one.",
        {"connection": "close"},
    )


async def _let_finish(stream: AsyncGenerator[bytes, None]) -> None:
    """Throw away what still comes, within reason: a caller whose connection breaks while sending never reads our answer."""
    thrown_away = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            async for piece in stream:
                thrown_away += len(piece)
                if thrown_away > _LINGER_BYTES:
                    return


def _from_parameters(request: Request, limits: Limits) -> Asked:
    values: dict[str, object] = {}
    for name in ("query", "operationName", "documentId"):
        text = request.query_params.get(name)
        if text is not None and len(text) > limits.text_chars:
            raise bad_request("Строка в адресе слишком длинна.", f"The parameter `{name}` of the address is too long.")
        values[name] = text
    for name in ("variables", "extensions"):
        text = request.query_params.get(name)
        values[name] = read_json(text, limits) if text else None
    return asked_by(values)


def asked_by(values: Mapping[str, object]) -> Asked:
    """What the members of one request say, wherever they stood. Raises Refusal."""
    query, variables, document_id = values.get("query"), values.get("variables"), values.get("documentId")
    name, extensions = values.get("operationName"), values.get("extensions")
    if not isinstance(document_id, str | None):
        raise bad_request("Поле documentId — это строка или null.", "The field `documentId` is a string or null.")
    if not isinstance(name, str | None):
        raise bad_request("Поле operationName — это строка или null.", "The field `operationName` is a string or null.")
    if not isinstance(variables, dict | None):
        raise bad_request("Поле variables — это объект или null.", "The field `variables` is an object or null.")
    if not isinstance(extensions, dict | None):
        raise bad_request("Поле extensions — это объект или null.", "The field `extensions` is an object or null.")
    by_id = document_id is not None or "persistedQuery" in (extensions or {})
    if not isinstance(query, str | None) or not (by_id or (query or "").strip()):
        raise bad_request(
            "Поле query должно быть строкой с операцией GraphQL (или укажите documentId доверенного документа).",
            "The field `query` must be a string with a GraphQL operation (or give the `documentId` of a trusted document).",
        )
    return Asked(query, variables, name, extensions, document_id)


async def _from_form(request: Request, limits: Limits, *, signed_in: bool) -> Asked:
    if not any(request.headers.get(name) for name in PREFLIGHT_HEADERS):
        names = " / ".join(PREFLIGHT_HEADERS)
        raise bad_request(
            f"Форме с файлами нужен заголовок {names}: без него чужая страница могла бы отправить её за вас.",
            f"A form with files needs a header {names}: without it a foreign page could send it for you.",
        )
    if not signed_in:
        # Before the body is read: strangers do not fill our disk.
        raise unauthenticated(
            "Чтобы загрузить файл, войдите: нужен заголовок Authorization: Bearer <токен>.",
            "Sign in to upload a file: a header Authorization: Bearer <token> is needed.",
        )
    form = await _parse_form(request, limits)
    try:
        return _asked_with_files(form, limits)
    except Refusal:
        await form.close()
        raise


async def _parse_form(request: Request, limits: Limits) -> FormData:
    parser = MultiPartParser(
        request.headers,
        _counted(request, limits.form_bytes),
        max_files=limits.files,
        max_fields=_PARTS,
        max_part_size=limits.json_bytes,
    )
    try:
        return await parser.parse()
    except (MultiPartException, FormParserError, ValueError):
        raise bad_request(
            f"Форма не читается. Нужны части operations и map (до 1 МБ) и не больше {limits.files} файлов.",
            f"The form cannot be read. It needs the parts `operations` and `map` (up to 1 MB) and at most {limits.files} files.",
        ) from None


def _asked_with_files(form: FormData, limits: Limits) -> Asked:
    operations, places = form.get("operations"), form.get("map")
    if not isinstance(operations, str) or not isinstance(places, str):
        raise bad_request("В форме нет частей operations и map.", "The form lacks the parts `operations` and `map`.")
    values = read_object(operations, limits, "Часть operations", "The part `operations`")
    named = read_object(places, limits, "Часть map", "The part `map`")
    asked = asked_by(values)
    files = {name: part for name, part in form.multi_items() if isinstance(part, UploadFile)}
    if set(named) != set(files) or len(files) != sum(isinstance(part, UploadFile) for _, part in form.multi_items()):
        raise bad_request(
            "Часть map должна назвать каждый файл формы ровно один раз и ничего кроме них.",
            "The part `map` must name every file of the form exactly once and nothing else.",
        )
    for name, file in files.items():
        _put(values, named[name], file)
    asked.form = form
    return asked


def _put(values: dict[str, object], paths: object, file: UploadFile) -> None:
    """Set one file into the variables, in the one place that waits for it with null."""
    path = paths[0] if isinstance(paths, list) and len(paths) == 1 else None
    if isinstance(path, str) and _PATH.fullmatch(path):
        *way, last = path.split(".")
        target: object = values
        for step in way:
            target = _step(target, step)
        if isinstance(target, dict) and last in target and target[last] is None:
            target[last] = file
            return
        if isinstance(target, list) and last.isdigit() and int(last) < len(target) and target[int(last)] is None:
            target[int(last)] = file
            return
    raise bad_request(
        "Каждый файл в map идёт в одно место, например «variables.file», и там в operations должно стоять null.",
        "Each file in `map` goes to one place, such as `variables.file`, and that place must hold null in `operations`.",
    )


def _step(target: object, step: str) -> object:
    if isinstance(target, dict):
        return target.get(step)
    if isinstance(target, list) and step.isdigit() and int(step) < len(target):
        return target[int(step)]
    return None
