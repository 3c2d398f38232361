"""Two small servers: one that takes mail, one that keeps a mailbox. They speak as much of their protocols as a client of ours needs."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self


class _Server:
    """Listens on 127.0.0.1. `start` again takes the same port."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._guarded(self._talk), "127.0.0.1", self.port, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close; the state stays."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    @staticmethod
    def _guarded(
        talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await talk(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        return guarded


class Smtp(_Server):
    """Takes mail: `taken` holds (from, to, bytes). `says` are codes for the next commands by their name, such as `{"RCPT": 550}`."""

    def __init__(self, context: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> None:
        super().__init__(context)
        self._login = login
        self.taken: list[tuple[str, str, bytes]] = []
        self.says: dict[str, int] = {}
        self.loses_answers = False
        """The mail is taken, and the connection closed without a word."""

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(signed_in=self._login is None)
        writer.write(b"220 post.example ESMTP\r\n")
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            verb = line.split(" ")[0].upper()
            writer.write(self._answer(verb, line, session).encode() + b"\r\n")
            if verb == "DATA" and verb not in self.says:
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                if "END" in self.says:
                    writer.write(f"{self.says['END']} as told\r\n".encode())
                    continue
                self.taken.append((session.sender, session.to, raw.replace(b"\r\n..", b"\r\n.")))
                if self.loses_answers:
                    return
                writer.write(b"250 taken\r\n")
            if verb == "QUIT":
                return

    def _answer(self, verb: str, line: str, session: _Session) -> str:
        if verb in self.says:
            return f"{self.says[verb]} as told"
        if verb == "EHLO":
            return "250-post.example\r\n" + ("250-AUTH PLAIN\r\n" if self._login else "") + "250 SIZE 10000000"
        if verb == "AUTH":
            session.signed_in = tuple(base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]) == self._login
            return "235 welcome" if session.signed_in else "535 no"
        if not session.signed_in:
            return "530 sign in first"
        mailbox = line.partition("<")[2].partition(">")[0]
        if verb == "MAIL":
            session.sender = mailbox
        elif verb == "RCPT":
            session.to = mailbox
        return {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "502 what")


@dataclass
class _Session:
    signed_in: bool
    sender: str = ""
    to: str = ""


class Imap(_Server):
    """Keeps mail by number: `mail` is the inbox, `archived` what was moved. `moves=False` knows no MOVE."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        login: tuple[str, str] = ("okno", "inbox-secret"),
        *,
        moves: bool = True,
    ) -> None:
        super().__init__(context)
        self._login = login
        self._moves = moves
        self.validity = 7
        self.mail: dict[int, bytes] = {}
        self.archived: dict[int, bytes] = {}
        self.folders: set[str] = {"INBOX"}
        self._number = 0

    def put(self, raw: bytes) -> int:
        """Deliver one mail; returns its number."""
        self._number += 1
        self.mail[self._number] = raw
        return self._number

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK post.example\r\n")
        marked: set[int] = set()
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            tag, _, command = line.partition(" ")
            words = command.replace('"', "").split(" ")
            for said in self._answers(words, marked):
                writer.write(said + b"\r\n")
            refused = words[0].upper() == "LOGIN" and tuple(words[1:3]) != self._login
            writer.write(f"{tag} {'NO' if refused else 'OK'} done\r\n".encode())
            if words[0].upper() == "LOGOUT":
                return

    def _answers(self, words: list[str], marked: set[int]) -> list[bytes]:
        match [word.upper() for word in words[:2]]:
            case ["CAPABILITY", *_]:
                return [b"* CAPABILITY IMAP4REV1 UIDPLUS" + (b" MOVE" if self._moves else b"")]
            case ["SELECT" | "EXAMINE", *_]:
                return [f"* {len(self.mail)} EXISTS".encode(), f"* OK [UIDVALIDITY {self.validity}] valid".encode()]
            case ["CREATE", *_]:
                self.folders.add(words[1])
            case ["UID", "SEARCH"]:
                wanted = [int(words[3])] if words[2] == "UID" else list(self.mail)
                return [b"* SEARCH " + b" ".join(str(one).encode() for one in wanted if one in self.mail)]
            case ["UID", "FETCH"]:
                return self._fetched(int(words[2]), words[3])
            case ["UID", "MOVE" | "COPY"]:
                number = int(words[2])
                self.archived[number] = self.mail[number] if words[1].upper() == "COPY" else self.mail.pop(number)
            case ["UID", "STORE" | "EXPUNGE"]:
                self._mark(int(words[2]), marked, ends=words[1].upper() == "EXPUNGE")
        return []

    def _mark(self, number: int, marked: set[int], *, ends: bool) -> None:
        if not ends:
            marked.add(number)
        elif number in marked:
            del self.mail[number]

    def _fetched(self, number: int, what: str) -> list[bytes]:
        raw = self.mail[number]
        if "RFC822.SIZE" in what:
            return [f"* {number} FETCH (UID {number} RFC822.SIZE {len(raw)})".encode()]
        return [f"* {number} FETCH (UID {number} BODY[] {{{len(raw)}}}".encode(), raw + b")"]
