"""A database server that would lose Russian words, or is too old, is refused with the remedy."""

from collections.abc import Iterator

import psycopg
import pytest

from store.embedded import EmbeddedServer
from store.server_check import ServerFacts, ServerUnfitError, faults_of, verify_server

FIT = ServerFacts(version=15, encoding="UTF8", locale="C.UTF-8", lower_reads_cyrillic=True, trigrams=7)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer.use(tmp_path_factory.mktemp("check")) as running:
        yield running
    assert running.wait_until_stopped()


def database(server: EmbeddedServer, name: str, options: str) -> str:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}".encode())
    return EmbeddedServer(server.folder, name).dsn


def test_our_own_server_is_fit_and_left_as_it_was(server: EmbeddedServer) -> None:
    facts = verify_server(server.url)
    assert (facts.version, facts.encoding, facts.locale) == (18, "UTF8", "C.UTF-8")
    assert facts.trigrams
    with psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT FROM pg_extension WHERE extname = 'pg_trgm'").fetchall() == []


def test_an_extension_in_a_schema_of_its_own_is_found(server: EmbeddedServer) -> None:
    dsn = database(server, "apart", "LOCALE 'C.UTF-8'")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "Own tools"')
        connection.execute('CREATE EXTENSION pg_trgm SCHEMA "Own tools"')
    assert verify_server(dsn).trigrams


def test_the_locale_c_is_refused_because_it_is_blind_to_cyrillic(server: EmbeddedServer) -> None:
    dsn = database(server, "blind", "ENCODING 'UTF8' LOCALE 'C'")
    with pytest.raises(ServerUnfitError) as caught:
        verify_server(dsn)
    assert "under its locale C lower('Ж') is not 'ж'" in str(caught.value)
    assert "pg_trgm finds no letters" in str(caught.value)
    assert "LOCALE 'C.UTF-8'" in str(caught.value)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_another_encoding_is_refused(server: EmbeddedServer, encoding: str) -> None:
    dsn = database(server, f"encoded_{encoding.lower()}", f"ENCODING '{encoding}' LOCALE 'C'")
    with pytest.raises(ServerUnfitError, match=f"encoded in {encoding}, not UTF8. Remedy"):
        verify_server(dsn)


def test_a_role_that_may_not_make_the_extension_is_not_a_fault(server: EmbeddedServer) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE modest LOGIN")
    assert verify_server(server.dsn.replace("okno@", "modest@", 1)).trigrams is None


def test_a_read_only_session_is_not_a_fault(server: EmbeddedServer) -> None:
    facts = verify_server(f"{server.dsn}&options=-c%20default_transaction_read_only%3Don")
    assert facts.trigrams is None


@pytest.mark.parametrize(
    ("version", "faults"), [(14, ["it is PostgreSQL 14, and 15 is the oldest that works"]), (15, []), (18, [])]
)
def test_a_server_older_than_15_is_refused(version: int, faults: list[str]) -> None:
    found = faults_of(ServerFacts(version, FIT.encoding, FIT.locale, FIT.lower_reads_cyrillic, FIT.trigrams))
    assert [fault.split(".")[0] for fault in found] == faults
