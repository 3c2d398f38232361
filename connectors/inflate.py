"""Unpacks a compressed reply piece by piece and never makes more than the bytes it was allowed.

A few kilobytes of gzip can stand for gigabytes; here the cap is given to zlib itself, so what lies beyond it is never made.
"""

from __future__ import annotations

import zlib

from connectors.base import Unreadable

ACCEPTED = "gzip, deflate"
"""The value of `Accept-Encoding` that this module can honour."""

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_HEAD_BYTES = 2


class Inflater:
    """Undoes one Content-Encoding. Raises Unreadable for an encoding we did not ask for and for broken data."""

    def __init__(self, content_encoding: str) -> None:
        """`content_encoding` is the header's value, empty when the reply has none."""
        encoding = content_encoding.strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise Unreadable("the reply is packed in a way that was not asked for (Content-Encoding)")
        self._window = {"": 0, "identity": 0, "deflate": _ZLIB}.get(encoding, _GZIP)
        self._stream = zlib.decompressobj(self._window) if self._window else None
        self._head: bytes | None = b"" if encoding == "deflate" else None
        self._begun = False

    def feed(self, piece: bytes, room: int) -> bytes:
        """The plain bytes of this piece, `room` at the most; as many as `room` means that there may be more."""
        if self._stream is None:
            return piece[:room]
        stream, made = self._stream, bytearray()
        self._begun = self._begun or bool(piece)
        if self._head is not None:
            piece = self._head + piece
            self._head = piece if len(piece) < _HEAD_BYTES else None
            if self._head is not None:
                return b""
            stream = self._stream = zlib.decompressobj(self._window if _is_zlib(piece) else _RAW)
        while piece and len(made) < room:
            if stream.eof:
                # What follows the end of one gzip member is the next member.
                stream = self._stream = zlib.decompressobj(self._window)
            try:
                made += stream.decompress(piece, room - len(made))
            except zlib.error as error:
                raise Unreadable("the reply is not what its Content-Encoding says") from error
            piece = stream.unused_data
        return bytes(made)

    def finish(self) -> None:
        """Call after the last piece. Raises Unreadable when the packed data stops in the middle."""
        if self._stream is not None and self._begun and not self._stream.eof:
            raise Unreadable("the packed reply stops in the middle")


def _is_zlib(piece: bytes) -> bool:
    """Half of the world sends "deflate" without the zlib wrapper that the standard asks for; the first two bytes tell."""
    return piece[0] & 0x0F == zlib.DEFLATED and (piece[0] * 256 + piece[1]) % 31 == 0
