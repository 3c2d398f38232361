"""TLS, several addresses and the border of our own network, by configuration alone."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.base import BadConnection, ConnectorError, Lost, NotSent
from connectors.http import open_session
from connectors.resolving import GuardedResolver, only_public
from domain.outcome import OutcomeKind
from tests.agencies.desk import MESSAGE, TAKING, connected
from tests.connectors.certificates import Holder, issue, serving
from tests.connectors.raw_server import Caller, raw_server

Protocol = Literal["soap", "rest"]
BOTH = pytest.mark.parametrize("protocol", ["soap", "rest"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture(scope="module")
def authority() -> Holder:
    return issue("Authority of the desk")


@pytest.fixture(scope="module")
def front(authority: Holder) -> Holder:
    return issue("front", authority)


@pytest.fixture(scope="module")
def hub(authority: Holder) -> Holder:
    return issue("okno", authority, days=9.5)


def beside(folder: Path, name: str, content: bytes) -> str:
    """Puts a file beside the agency's."""
    path = folder / "agencies" / "desk" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return f"desk/{name}"


# --- certificates -----------------------------------------------------------------------------------------------------


@BOTH
async def test_an_agency_that_wants_to_know_who_calls_gets_our_certificate(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol, authority: Holder, front: Holder, hub: Holder
) -> None:
    """Q1, Q31: mTLS with the agency's own authority; the key is sealed and stays out of the folder."""
    ca, certificate = beside(tmp_path, "ca.pem", authority.pem), beside(tmp_path, "hub.pem", hub.pem)
    (tmp_path / "hub.key").write_bytes(hub.key("sealed"))
    tls = f"tls: {{ca: {ca}, certificate: {certificate}, key: '${{KEY}}', key_password: '${{KEY_PASSWORD}}'}}"
    async with raw_server(TAKING[protocol], serving(tmp_path, front, authority)) as server:
        variables = {"ADDRESS": server.address, "KEY": str(tmp_path / "hub.key"), "KEY_PASSWORD": "sealed"}
        desk = connected(tmp_path, session, protocol, tls, variables=variables)
        assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
        left = desk.registry.certificates_expire("desk")
        assert set(left) == {"tls.ca", "tls.certificate"}
        assert 9 < (left["tls.certificate"] - datetime.now(UTC)).total_seconds() / 86_400 < 9.6
        without = connected(tmp_path, session, protocol, f"tls: {{ca: {ca}}}", variables=variables)
        with pytest.raises(ConnectorError):
            await without.submit()
        assert len(server.requests) == 1


@BOTH
async def test_an_agency_whose_certificate_nobody_vouches_for_is_not_asked(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol, front: Holder
) -> None:
    stranger = beside(tmp_path, "ca.pem", issue("another authority").pem)
    async with raw_server(TAKING[protocol], serving(tmp_path, front)) as server:
        for connection in ("timeout: 5s", f"tls: {{ca: {stranger}}}", f"tls: {{ca: {stranger}, profile: old}}"):
            desk = connected(tmp_path, session, protocol, connection, variables={"ADDRESS": server.address})
            with pytest.raises(NotSent, match="certificate"):
                await desk.submit()
        assert server.requests == []


async def test_certificates_may_stand_in_the_environment(
    tmp_path: Path, session: aiohttp.ClientSession, authority: Holder, front: Holder, hub: Holder
) -> None:
    tls = "tls: {ca: '${CA}', certificate: '${CERTIFICATE}', key: '${KEY}'}"
    async with raw_server(TAKING["rest"], serving(tmp_path, front, authority)) as server:
        pem = {"CA": authority.pem.decode(), "CERTIFICATE": hub.pem.decode(), "KEY": hub.key().decode()}
        desk = connected(tmp_path, session, "rest", tls, variables={"ADDRESS": server.address, **pem})
        assert (await desk.submit()).kind is OutcomeKind.ACCEPTED


@pytest.mark.parametrize(
    ("tls", "says"),
    [
        ("{ca: ../../outside.pem}", "leads out of the folder"),
        ("{ca: desk/absent.pem}", "cannot be read"),
        ("{ca: desk/desk.wsdl}", "holds no PEM"),
        ("{ca: desk/broken.pem}", "no certificate in PEM"),
        ("{certificate: desk/hub.pem, key: '${OTHER_KEY}'}", "do not belong together"),
        ("{ciphers: 'NONSENSE'}", "OpenSSL knows no cipher"),
    ],
)
async def test_tls_that_can_never_work_is_refused_when_the_connector_is_made(
    tmp_path: Path, session: aiohttp.ClientSession, hub: Holder, tls: str, says: str
) -> None:
    beside(tmp_path, "hub.pem", hub.pem)
    beside(tmp_path, "broken.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path.parent / "outside.pem").write_bytes(hub.pem)
    (tmp_path / "other.key").write_bytes(issue("other").key())
    with pytest.raises(BadConnection, match=says) as caught:
        connected(tmp_path, session, "rest", f"tls: {tls}", variables={"OTHER_KEY": str(tmp_path / "other.key")})
    assert str(caught.value).startswith("tls.")


# --- profiles -----------------------------------------------------------------------------------------------------------


def of_the_year_2008(folder: Path, front: Holder) -> ssl.SSLContext:
    """A server that knows TLS 1.0 only."""
    context = serving(folder, front)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@BOTH
async def test_only_the_agency_that_names_the_old_profile_speaks_old_tls(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol, authority: Holder, front: Holder
) -> None:
    """Q31: weak TLS of one agency is no weakness of another, not even on the same session and host."""
    ca = beside(tmp_path, "ca.pem", authority.pem)
    async with raw_server(TAKING[protocol], of_the_year_2008(tmp_path, front)) as server:
        variables = {"ADDRESS": server.address}
        old = connected(tmp_path, session, protocol, f"tls: {{ca: {ca}, profile: old}}", variables=variables)
        modern = connected(tmp_path, session, protocol, f"tls: {{ca: {ca}}}", variables=variables)
        assert (await old.submit()).kind is OutcomeKind.ACCEPTED
        with pytest.raises(NotSent, match=r"TLS|no connection"):
            await modern.submit()
        assert len(server.requests) == 1


async def test_an_agencys_own_cipher_list_counts(
    tmp_path: Path, session: aiohttp.ClientSession, authority: Holder, front: Holder
) -> None:
    """Q31: `DEFAULT:!DH` (Boomi)."""
    ca = beside(tmp_path, "ca.pem", authority.pem)
    context = serving(tmp_path, front)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")
    async with raw_server(TAKING["rest"], context) as server:
        for ciphers, taken in (("DEFAULT:!DH", True), ("DEFAULT:!AES256", False)):
            tls = f"tls: {{ca: {ca}, ciphers: '{ciphers}'}}"
            desk = connected(tmp_path, session, "rest", tls, variables={"ADDRESS": server.address})
            if taken:
                assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
            else:
                with pytest.raises(NotSent, match=r"TLS|no connection"):
                    await desk.submit()


# --- several addresses ------------------------------------------------------------------------------------------------


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@BOTH
async def test_the_next_address_is_tried_where_one_cannot_be_reached_and_is_remembered(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol
) -> None:
    address = "address: {sandbox: ['${FIRST}', '${SECOND}'], production: 'https://desk.example'}"
    async with raw_server(TAKING[protocol]) as server:
        with nobody() as gone:
            desk = connected(
                tmp_path, session, protocol, address, variables={"FIRST": gone, "SECOND": f"{server.address}/second"}
            )
            assert desk.connector.render(desk.adapter.submit_call(MESSAGE)).url.startswith(gone)
            for _ in range(2):
                assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
        assert [request.split(b" ")[1].startswith(b"/second") for request in server.requests] == [True, True]
        assert desk.connector.render(desk.adapter.submit_call(MESSAGE)).url.startswith(server.address)


@BOTH
async def test_what_may_have_arrived_at_one_address_does_not_go_to_the_next(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol
) -> None:
    async def lost(caller: Caller) -> None:
        caller.reset()

    async with raw_server(lost) as first, raw_server(TAKING[protocol]) as second:
        variables = {"FIRST": first.address, "SECOND": second.address}
        desk = connected(tmp_path, session, protocol, "address: ['${FIRST}', '${SECOND}']", variables=variables)
        with pytest.raises(Lost, match="connection"):
            await desk.submit()
        assert (len(first.requests), second.requests) == (1, [])


async def test_when_no_address_can_be_reached_nothing_was_sent(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    with nobody() as first, nobody() as second:
        variables = {"FIRST": first, "SECOND": second}
        desk = connected(tmp_path, session, "soap", "address: ['${FIRST}', '${SECOND}']", variables=variables)
        with pytest.raises(NotSent, match="check `address`"):
            await desk.submit()


# --- the border of our own network ------------------------------------------------------------------------------------


class Names(AbstractResolver):
    """A name server that answers as it likes, and differently the second time."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        return None


@contextmanager
def names(session: aiohttp.ClientSession, *answers: str) -> Iterator[None]:
    """The session asks this name server instead of the machine's."""
    connector = session.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    resolver = connector._resolver
    connector._resolver = GuardedResolver(Names(*answers))
    try:
        yield
    finally:
        connector._resolver = resolver


@BOTH
async def test_a_name_that_leads_into_our_own_network_is_refused_unless_the_file_says_so(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol
) -> None:
    """Edge note: whoever answers for a name must not reach what only we can reach."""
    async with raw_server(TAKING[protocol]) as server:
        variables = {"ADDRESS": f"http://desk.example:{server.port}"}
        public = connected(tmp_path, session, protocol, "timeout: 5s", variables=variables)
        private = connected(tmp_path, session, protocol, "network: private", variables=variables)
        with names(session, "127.0.0.1"):
            with pytest.raises(NotSent, match="network: private"):
                await public.submit()
            assert server.requests == []
            assert (await private.submit()).kind is OutcomeKind.ACCEPTED


async def test_a_name_that_changes_its_mind_is_judged_at_every_connection(session: aiohttp.ClientSession) -> None:
    """DNS rebinding: a harmless answer first, our own network afterwards; no answer is kept between connections."""
    resolver = GuardedResolver(Names("1.1.1.1", "10.0.0.1"))
    with only_public(True):
        assert [one["host"] for one in await resolver.resolve("desk.example", 80)] == ["1.1.1.1"]
        with pytest.raises(NotSent, match="private network"):
            await resolver.resolve("desk.example", 80)
    connector = session.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    assert not connector._use_dns_cache


@pytest.mark.parametrize("answer", ["169.254.169.254", "0.0.0.0", "224.0.0.1"])
async def test_nobody_reaches_a_link_local_or_senseless_address_by_name(
    tmp_path: Path, session: aiohttp.ClientSession, answer: str
) -> None:
    """The address where clouds keep their keys, for one."""
    variables = {"ADDRESS": "http://desk.example"}
    desk = connected(tmp_path, session, "rest", "network: private", variables=variables)
    with names(session, answer), pytest.raises(NotSent, match="refused"):
        await desk.submit()


@pytest.mark.parametrize("address", ["http://169.254.169.254/a", "http://[::ffff:169.254.1.1]", "http://0.0.0.0:80"])
def test_nor_by_digits(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadConnection, match=r"^address: "):
        connected(tmp_path, None, "rest", "timeout: 5s", variables={"ADDRESS": address})
