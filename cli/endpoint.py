"""A client of the hub's own GraphQL endpoint, over HTTP as any portal would use it.

Promises: what the hub refuses, what cannot be reached and who is not signed in are three different failures; a call that may be repeated safely is
repeated through short outages of the endpoint.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from cli.failure import Failure

_TIMEOUT_S = 60.0

SUBMIT = """
mutation Submit($input: SubmitMessageInput!) {
  submitMessage(input: $input) {
    message { id reference status organisation { code hasSystem name } }
    errors { __typename ... on UserError { message code path } }
  }
}
"""
UPLOAD = """
mutation Upload($file: Upload!) {
  uploadAttachment(file: $file) { attachment { id } errors { ... on UserError { message code path } } }
}
"""


class Unreachable(Failure):
    """Nobody answers at the endpoint, or it is not ours."""


class NotSignedIn(Failure):
    """The endpoint does not believe the token."""


class Refused(Failure):
    """The endpoint answered with an error that is not about the fields of a form."""


@dataclass(frozen=True, slots=True)
class FormError:
    """What is wrong with one field of a form, in the endpoint's own words."""

    code: str
    path: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.message} [{self.code}]"


def form_errors(payload: Mapping[str, Any]) -> list[FormError]:
    """The `errors` of a mutation's payload."""
    return [FormError(one["code"], tuple(one["path"]), one["message"]) for one in payload["errors"]]


class Endpoint:
    """One endpoint as one person. Make it with `open_endpoint`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, language: str = "ru") -> None:
        self._session = session
        self.url = url
        self.token = token
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": language, "Accept": "application/json"}

    async def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of one operation, sent once. Raises Unreachable, NotSignedIn or Refused."""
        return await self._exchange(json={"query": document, "variables": dict(variables or {})})

    async def ask_again(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The same for an operation that may be repeated: short outages are waited out."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_attempt(5),
            wait=wait_exponential_jitter(multiplier=0.3, max=5.0, jitter=0.3),
            reraise=True,
        )
        return await attempts(self.ask, document, variables)

    async def upload(self, name: str, content: bytes, media_type: str) -> str:
        """The id of an uploaded file. Raises Refused with the field's error when the file is not taken."""
        form = aiohttp.FormData()
        form.add_field("operations", json.dumps({"query": UPLOAD, "variables": {"file": None}}))
        form.add_field("map", json.dumps({"0": ["variables.file"]}))
        form.add_field("0", content, filename=name, content_type=media_type)
        data = await self._exchange(data=form)
        payload = data["uploadAttachment"]
        for error in form_errors(payload):
            raise Refused(str(error))
        return str(payload["attachment"]["id"])

    @contextlib.asynccontextmanager
    async def socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An opened graphql-transport-ws connection on which operations may be started. Raises Unreachable or NotSignedIn."""
        try:
            async with self._session.ws_connect(
                self.url, protocols=("graphql-transport-ws",), heartbeat=20.0
            ) as socket:
                await socket.send_json(
                    {"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}}
                )
                greeting = await socket.receive(timeout=_TIMEOUT_S)
                if greeting.type is not aiohttp.WSMsgType.TEXT:
                    raise NotSignedIn(f"The endpoint closed the socket ({socket.close_code}).")
                yield socket
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from None

    async def _exchange(self, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - passed through to aiohttp
        headers = {**self._headers, "X-Requested-With": "okno"}
        try:
            async with self._session.post(self.url, headers=headers, **body) as reply:
                status, text = reply.status, await reply.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from None
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not {"data", "errors"} & document.keys():
            raise Unreachable(
                f"{self.url} answered with status {status} and no GraphQL. Check the address; it ends with /graphql."
            )
        return self._data(status, document)

    def _data(self, status: int, document: Mapping[str, Any]) -> dict[str, Any]:
        errors: Sequence[Mapping[str, Any]] = document.get("errors") or []
        for error in errors:
            code = (error.get("extensions") or {}).get("code", "")
            if code == "UNAUTHENTICATED":
                raise NotSignedIn(
                    f"{error.get('message')}\nIn development: export OKNO_TOKEN=$(okno token --subject NAME), with the OKNO_HOME of the gateway."
                )
            if status in {502, 503, 504} or code == "UNAVAILABLE":
                raise Unreachable(f"{self.url} cannot serve now: {error.get('message')}")
            raise Refused(f"{error.get('message')}{f' [{code}]' if code else ''}")
        data = document.get("data")
        return data if isinstance(data, dict) else {}

    def _unreachable(self, error: Exception) -> Unreachable:
        why = "it did not answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return Unreachable(
            f"{self.url} cannot be reached: {why}. Start it with `okno serve`, or name another with --url."
        )


@contextlib.asynccontextmanager
async def open_endpoint(url: str, token: str, *, at_once: int = 8) -> AsyncIterator[Endpoint]:
    """An endpoint with `at_once` connections."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield Endpoint(session, url, token)
