"""The folder wire: three operations, `send`, `read` and `archive`, on the folders of one agency.

`send` puts the packet `headers.packet` into `out`: its document is the body, its files are the call's. Status 201; 200 when the same packet
was put there before; 409 when another one has its name. `read` gives `{packets: […]}` from `in`. `archive` moves the packet `headers.packet`
from `in` to the archive; where `headers.receipt` names one it first puts a receipt into `out`, with the body as its document. Both may be
repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from connectors.base import BadConnection, Call, Lost, NotSent, Reply, Request, Tree
from connectors.folder.document import write_document
from connectors.folder.reading import read_packets
from connectors.folder.rules import FolderConnection
from connectors.folder.writing import Packet, check_packet, put, set_aside

OPERATIONS = ("send", "read", "archive")
_STATUSES = {"made": 201, "there": 200, "taken": 409}
T = TypeVar("T")


class FolderConnector:
    """A connector for one FolderConnection. `live=False` renders only."""

    def __init__(self, connection: FolderConnection, *, live: bool = True) -> None:
        """Raises BadConnection with the field and the remedy."""
        names = (connection.out, connection.incoming, connection.archive)
        if not connection.root.is_absolute():
            raise BadConnection("address: must be the whole path of a folder, such as /srv/medo/north")
        if any(Path(name).is_absolute() or ".." in Path(name).parts or not name for name in names):
            raise BadConnection("folder: `out`, `in` and `archive` are names inside the folder of `address`")
        if len({Path(name) for name in names}) < len(names):
            raise BadConnection("folder: `out`, `in` and `archive` must be three folders")
        self._connection = connection
        self._live = live

    async def send(self, call: Call) -> Reply:
        """Carry the call. Raises NotSent or Lost."""
        request = self.render(call)
        if not self._live:
            raise NotSent("this connector only renders: it was made without a wire", request=request)
        try:
            status, tree = await self._carried(call)
        except NotSent as error:
            error.request = request
            raise
        except TimeoutError:
            raise Lost(
                "the folder did not answer in time (timeout); a network drive may hang", request=request
            ) from None
        raw = json.dumps(tree, ensure_ascii=False).encode()
        return Reply(status, {"content-type": "application/json"}, raw, tree, request)

    async def _carried(self, call: Call) -> tuple[int, Tree]:
        connection = self._connection
        match call.operation:
            case "send":
                came = await self._worked(lambda: put(connection, self._packet(call, "packet")))
                # The name of another packet is no number of this one.
                named = {} if came == "taken" else {"packet": call.headers["packet"]}
                return _STATUSES[came], {**named, "came": came}
            case "read":
                try:
                    return 200, {"packets": await self._worked(lambda: read_packets(connection))}
                except OSError as error:
                    reason = error.strerror or "unknown"
                    raise NotSent(f"the folder cannot be read ({reason}): check `address` and its rights") from error
        if call.headers.get("receipt"):
            await self._worked(lambda: put(connection, self._packet(call, "receipt")))
        name = call.headers.get("packet", "")
        moved = await self._worked(lambda: set_aside(connection, name))
        return 200, {"packet": name, "came": "moved" if moved else "gone"}

    async def _worked(self, work: Callable[[], T]) -> T:
        # A drive of the network may hang for minutes; the thread ends when it answers, the call does not wait for that.
        async with asyncio.timeout(self._connection.timeout_s):
            return await asyncio.to_thread(work)

    def render(self, call: Call) -> Request:
        """What `send` would write: the document of the packet; its files are named in the headers. Raises NotSent."""
        if call.operation not in OPERATIONS:
            raise NotSent(f"operation {call.operation!r}: must be one of {', '.join(OPERATIONS)}")
        if call.path or call.query:
            raise NotSent("a folder has no `query` and no path; use `headers` and `send`")
        connection = self._connection
        if call.operation == "read":
            return Request("GET", _url(connection.root / connection.incoming), {}, b"")
        if call.operation == "archive" and not call.headers.get("receipt"):
            name = call.headers.get("packet", "")
            return Request("POST", _url(connection.root / connection.archive / "in" / name), {}, b"")
        packet = self._packet(call, "packet" if call.operation == "send" else "receipt")
        check_packet(packet)
        others = [name for name in packet.files if name != connection.document]
        headers = {"Content-Type": f"application/xml; charset={connection.charset}"}
        if others:
            headers["X-Files"] = ", ".join(quote(name) for name in others)
        url = _url(connection.root / connection.out / packet.name)
        return Request("PUT", url, headers, packet.files[connection.document])

    async def close(self) -> None:
        """Nothing is held."""

    def _packet(self, call: Call, name: str) -> Packet:
        connection = self._connection
        if call.body is None:
            raise NotSent("send: a packet has a document; add its rows")
        files = {file.file_name: file.content for file in call.files}
        if len(files) < len(call.files) or connection.document in files:
            raise NotSent("files: two files of the packet have one name; put `item.number` into it")
        contents = {connection.document: write_document(call.body, connection.charset), **files}
        if connection.envelope is not None:
            contents[connection.envelope] = self._envelope(call.form, list(contents))
        return Packet(call.headers.get(name, ""), contents)

    def _envelope(self, rows: Mapping[str, str], names: list[str]) -> bytes:
        """An ini file: `section.key: value`, with the files of the packet numbered in a section of their own."""
        sections: dict[str, list[str]] = {}
        for row, value in rows.items():
            section, _, key = row.partition(".")
            if not key or any(sign in row + value for sign in "\r\n[]"):
                raise NotSent(f"form.{row}: a row of the envelope is `section.key`, of one line and without brackets")
            sections.setdefault(section, []).append(f"{key}={value}")
        if self._connection.envelope_files is not None:
            sections[self._connection.envelope_files] = [f"{number}={name}" for number, name in enumerate(names)]
        lines = [line for section, inner in sections.items() for line in (f"[{section}]", *inner)]
        text = "\r\n".join([*lines, ""])
        try:
            return text.encode(self._connection.charset)
        except UnicodeEncodeError:
            remedy = f'add `| encodable("{self._connection.charset}")`'
            raise NotSent(f"form: a row of the envelope holds a sign that its charset lacks; {remedy}") from None


def _url(path: Path) -> str:
    return "file://" + quote(str(path))
