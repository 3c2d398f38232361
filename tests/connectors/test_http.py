"""What HTTP under every wire promises, against servers that misbehave on purpose."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from connectors.base import BadConnection, ConnectorError, Lost, NotSent, Request, Unreadable
from connectors.http import Limits, Wire, call_headers, checked_address, open_session
from connectors.inflate import Inflater
from tests.connectors.raw_server import Answer, Caller, raw_server, replying

SHORT = Limits(timeout_s=0.6, attempt_window_s=0)
PATIENT = Limits(timeout_s=5, max_reply_bytes=100_000, attempt_window_s=2)


def a_request(address: str, body: bytes = b"x", method: str = "POST") -> Request:
    return Request(method, f"{address}/do", {"Content-Type": "text/plain"}, body)


async def silent(caller: Caller) -> None:
    await asyncio.sleep(30)


async def trickling(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        await caller.say(b"x")
        await asyncio.sleep(0.2)


async def trickling_headers(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(1000):
        await caller.say(b"x")
        await asyncio.sleep(0.2)


async def half(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    caller.writer.close()


async def half_chunked(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nonly \r\n20\r\nthis")
    caller.writer.close()


async def resetting(caller: Caller) -> None:
    caller.reset()


async def closing(caller: Caller) -> None:
    caller.writer.close()


async def endless(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(2000):
        await caller.say(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


@pytest.mark.parametrize("answer", [silent, trickling, trickling_headers])
async def test_whatever_the_other_side_does_the_call_ends_at_its_deadline(wire: Wire, answer: Answer) -> None:
    async with raw_server(answer) as server:
        started = time.monotonic()
        with pytest.raises(Lost, match="timeout"):
            await wire.exchange(a_request(server.address), SHORT)
        assert 0.5 < time.monotonic() - started < 1.2


@pytest.mark.parametrize("answer", [half, half_chunked, resetting, closing])
async def test_a_reply_that_breaks_off_is_lost_and_an_unsafe_call_is_not_repeated(wire: Wire, answer: Answer) -> None:
    async with raw_server(answer) as server:
        with pytest.raises(Lost):
            await wire.exchange(a_request(server.address), PATIENT)
        assert len(server.requests) == 1


async def test_a_safe_call_is_repeated_when_the_connection_breaks(wire: Wire) -> None:
    async def once_broken(caller: Caller) -> None:
        if caller.number == 1:
            caller.reset()
        else:
            await caller.reply(b"found")

    async with raw_server(once_broken) as server:
        reply = await wire.exchange(a_request(server.address), PATIENT, safe=True)
        assert (reply.body, len(server.requests)) == (b"found", 2)


async def test_a_safe_call_is_repeated_a_few_times_only_and_inside_its_window(wire: Wire) -> None:
    async with raw_server(resetting) as server:
        started = time.monotonic()
        with pytest.raises(Lost):
            await wire.exchange(a_request(server.address), PATIENT, safe=True)
        assert len(server.requests) == 3
        assert time.monotonic() - started < PATIENT.attempt_window_s + 0.5


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
async def test_a_kept_connection_that_dies_before_a_byte_of_the_reply_is_lost_for_unsafe_calls(method: str) -> None:
    async def first_only(caller: Caller) -> None:
        if caller.number == 1:
            await caller.reply(b"first")
        else:
            caller.reset()

    async with raw_server(first_only) as server, open_session() as session:
        wire = Wire(session)
        await wire.exchange(a_request(server.address), PATIENT)
        with pytest.raises(Lost):
            await wire.exchange(a_request(server.address, b"", method), PATIENT)
        assert (len(server.requests), server.connections) == (2, 1)


async def test_connections_are_kept_between_calls() -> None:
    async with raw_server(replying(b"ok")) as server, open_session() as session:
        for _ in range(3):
            await Wire(session).exchange(a_request(server.address), PATIENT)
        assert server.connections == 1


async def test_a_refused_connection_is_not_sent_and_is_tried_again_inside_the_window(wire: Wire) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(NotSent, match="address"):
            await wire.exchange(a_request(address), PATIENT)


async def test_an_unsafe_call_waits_for_a_service_that_is_just_starting(wire: Wire) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    servers: list[asyncio.Server] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\nx")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup")
        writer.close()

    async def start_late() -> None:
        await asyncio.sleep(0.03)
        servers.append(await asyncio.start_server(answer, "127.0.0.1", port))

    starting = asyncio.create_task(start_late())
    try:
        reply = await wire.exchange(a_request(f"http://127.0.0.1:{port}"), Limits(timeout_s=5, attempt_window_s=5))
        assert reply.body == b"up"
    finally:
        await starting
        servers[0].close()


async def test_an_unknown_host_name_is_not_sent(wire: Wire) -> None:
    with pytest.raises(NotSent, match="address"):
        await wire.exchange(a_request("http://no-such-host.invalid"), SHORT)


async def test_a_host_that_swallows_the_connection_is_not_sent_at_the_deadline(wire: Wire) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        try:
            with pytest.raises(NotSent, match="timeout"):
                await wire.exchange(a_request(f"http://127.0.0.1:{full.getsockname()[1]}"), SHORT)
        finally:
            for filler in fillers:
                filler.close()


async def test_a_failed_tls_handshake_is_not_sent(wire: Wire) -> None:
    async with raw_server(silent) as server:
        with pytest.raises(NotSent):
            await wire.exchange(
                a_request(server.address.replace("http:", "https:")), SHORT, ssl=ssl.create_default_context()
            )


async def test_a_certificate_nobody_vouches_for_is_not_sent(wire: Wire, tmp_path: Path) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusting.load_cert_chain(_self_signed(tmp_path))
    listening = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=trusting)
    async with listening:
        address = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        with pytest.raises(NotSent, match="certificate"):
            await wire.exchange(a_request(address), PATIENT)


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


async def test_a_reply_larger_than_the_limit_is_lost_without_being_kept(wire: Wire) -> None:
    async with raw_server(endless) as server:
        tracemalloc.start()
        with pytest.raises(Lost, match="max_reply_bytes"):
            await wire.exchange(a_request(server.address), PATIENT)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak_bytes < 4_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_small_packed_reply_that_unpacks_to_a_huge_one_is_stopped_at_the_limit(
    wire: Wire, encoding: str
) -> None:
    plain = b"\0" * 50_000_000
    bomb = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    async with raw_server(replying(bomb, headers=f"Content-Encoding: {encoding}\r\n")) as server:
        tracemalloc.start()
        with pytest.raises(Lost, match="max_reply_bytes"):
            await wire.exchange(a_request(server.address), PATIENT)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak_bytes < 4_000_000


def _raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", lambda plain: gzip.compress(plain[:500]) + gzip.compress(plain[500:])),
        ("deflate", zlib.compress),
        ("deflate", _raw_deflate),
        ("identity", bytes),
    ],
)
async def test_packed_replies_come_out_plain(wire: Wire, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    plain = "Привет, ".encode() * 200
    async with raw_server(replying(pack(plain), headers=f"Content-Encoding: {encoding}\r\n")) as server:
        assert (await wire.exchange(a_request(server.address), PATIENT)).body == plain


def test_unpacking_gives_the_same_however_the_bytes_are_cut() -> None:
    plain = bytes(range(256)) * 40
    for packed, encoding in ((gzip.compress(plain) * 2, "gzip"), (_raw_deflate(plain * 2), "deflate")):
        inflater = Inflater(encoding)
        out = b"".join(inflater.feed(packed[at : at + 1], 1_000_000) for at in range(len(packed)))
        inflater.finish()
        assert out == plain * 2


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"not packed", "gzip"), (gzip.compress(b"whole " * 100)[:-30], "gzip"), (b"?", "br"), (b"?", "gzip, gzip")],
)
async def test_a_reply_that_does_not_unpack_is_unreadable(wire: Wire, body: bytes, encoding: str) -> None:
    async with raw_server(replying(body, headers=f"Content-Encoding: {encoding}\r\n")) as server:
        with pytest.raises(Unreadable):
            await wire.exchange(a_request(server.address), PATIENT)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 For Good", "304 Same"])
async def test_a_redirect_is_never_followed(wire: Wire, status: str) -> None:
    async with raw_server(replying(b"", status, "Location: /elsewhere\r\n")) as server:
        with pytest.raises(Unreadable, match="redirect") as caught:
            await wire.exchange(a_request(server.address), PATIENT)
        assert caught.value.status == int(status[:3])
        assert len(server.requests) == 1


async def test_what_is_not_http_is_unreadable(wire: Wire) -> None:
    async def garbage(caller: Caller) -> None:
        await caller.say(b"\x00\x01\x02 this is no HTTP\r\n\r\n")

    async with raw_server(garbage) as server:
        with pytest.raises(Unreadable):
            await wire.exchange(a_request(server.address), PATIENT)


async def test_cookies_are_neither_kept_nor_sent_and_headers_go_out_as_rendered() -> None:
    async with raw_server(replying(b"ok", headers="Set-Cookie: session=1; Path=/\r\n")) as server:
        async with open_session() as session:
            for _ in range(2):
                await Wire(session).exchange(a_request(server.address), PATIENT)
        head = server.requests[1].split(b"\r\n\r\n")[0].split(b"\r\n")
        names = sorted(line.split(b":")[0].lower() for line in head[1:])
        assert names == [b"content-length", b"content-type", b"host"]


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    async with raw_server(replying(b"direct")) as server, open_session() as session:
        assert (await Wire(session).exchange(a_request(server.address), PATIENT)).body == b"direct"


async def test_a_large_body_arrives_whole(wire: Wire) -> None:
    body = b"0123456789" * 300_000
    async with raw_server(replying(b"ok")) as server:
        await wire.exchange(a_request(server.address, body), PATIENT)
        assert server.requests[0].endswith(b"\r\n\r\n" + body)


async def test_every_error_carries_the_request_and_no_error_shows_it(wire: Wire) -> None:
    async with raw_server(resetting) as server:
        request = Request("POST", server.address, {"Authorization": "Bearer geheim"}, "Иванов".encode())
        with pytest.raises(ConnectorError) as caught:
            await wire.exchange(request, SHORT)
    assert caught.value.request is request
    for shown in (repr(caught.value), str(caught.value), repr(request)):
        assert "geheim" not in shown
        assert "Иванов" not in shown


async def test_cancelling_a_call_is_not_turned_into_an_error_of_the_wire(wire: Wire) -> None:
    async with raw_server(silent) as server:
        task = asyncio.create_task(wire.exchange(a_request(server.address), PATIENT))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_closed_session_is_not_sent() -> None:
    session = open_session()
    await session.close()
    with pytest.raises(NotSent):
        await Wire(session).exchange(a_request("http://127.0.0.1:9"), SHORT)


@pytest.mark.parametrize(
    "address",
    ["", "ftp://a", "http://", "//a", "http://a:b@c", "http://a#f", "http://a b", "http://пример", "http://a:99999"],
)
def test_an_address_that_cannot_be_pinned_is_refused(address: str) -> None:
    with pytest.raises(BadConnection, match=r"^address: "):
        checked_address(address)


@pytest.mark.parametrize(
    ("name", "value"), [("X", "a\r\nY: b"), ("X y", "a"), ("X", "имя"), ("Host", "a"), ("authorization", "a")]
)
def test_a_header_that_would_break_or_redirect_the_request_is_not_sent(name: str, value: str) -> None:
    with pytest.raises(NotSent, match=r"^header "):
        call_headers({name: value})


@pytest.mark.parametrize("limits", [{"timeout_s": 0}, {"max_reply_bytes": -1}, {"attempt_window_s": -1}])
def test_limits_that_let_nothing_through_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(BadConnection, match=next(iter(limits))):
        Limits(**limits)
