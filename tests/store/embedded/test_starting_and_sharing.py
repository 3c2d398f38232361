"""The embedded server starts anywhere, for anybody, and is shared by all who use its folder."""

import stat
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy

from store.embedded import EmbeddedServer, EmbeddedServerError
from tests.store.embedded.people import value


def test_a_new_folder_becomes_a_durable_server_that_reads_cyrillic_and_listens_to_nobody_else(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        settings = {
            name: value(server, f"SHOW {name}")
            for name in ("server_encoding", "data_checksums", "fsync", "synchronous_commit", "jit", "track_io_timing")
        }
        assert settings == {
            "server_encoding": "UTF8",
            "data_checksums": "on",
            "fsync": "on",
            "synchronous_commit": "on",
            "jit": "off",
            "track_io_timing": "off",
        }
        assert (value(server, "SHOW listen_addresses"), value(server, "SHOW shared_buffers")) == ("", "128MB")
        assert value(server, "SELECT datctype FROM pg_database WHERE datname = 'okno'") == "C.UTF-8"
        assert value(server, "SELECT current_setting('server_version_num')::int / 10000") == 18
        assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700


def test_the_url_works_in_sqlalchemy_for_any_folder_and_database_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    place = tmp_path / "a b$HOME'+%й"
    with EmbeddedServer.use(place, database="жалобы №1") as server:
        engine = sqlalchemy.create_engine(server.url)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == "жалобы №1"
        engine.dispose()
        assert value(server, "SELECT current_database()") == "жалобы №1"
    assert server.wait_until_stopped()


def test_a_second_user_joins_the_running_server_which_outlives_the_first(folder: Path) -> None:
    first = EmbeddedServer(folder)
    first.open()
    born = value(first, "SELECT pg_postmaster_start_time()")
    with EmbeddedServer.use(folder) as second:
        first.close()
        time.sleep(0.5)
        assert value(second, "SELECT pg_postmaster_start_time()") == born


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(tmp_path: Path) -> None:
    place = tmp_path / ("long" * 30)
    with EmbeddedServer.use(place) as server, EmbeddedServer.use(place) as again:
        assert server.socket_folder == again.socket_folder
        assert len(str(server.socket_folder)) < 40
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        assert value(server, "SELECT 1") == 1
    assert server.wait_until_stopped()
    server.socket_folder.rmdir()


@pytest.mark.parametrize("trap", ["a link", "open to all"])
def test_a_socket_folder_that_somebody_else_prepared_is_refused(tmp_path: Path, trap: str) -> None:
    server = EmbeddedServer(tmp_path / ("long" * 30))
    if trap == "a link":
        server.socket_folder.symlink_to(tmp_path)
    else:
        server.socket_folder.mkdir()
        server.socket_folder.chmod(0o777)
    try:
        with pytest.raises(EmbeddedServerError, match="Remedy: find out who made it"):
            server.open()
    finally:
        server.socket_folder.unlink() if trap == "a link" else server.socket_folder.rmdir()


def test_text_of_citizens_does_not_reach_the_log(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (words text UNIQUE)")
        connection.execute("INSERT INTO t VALUES ('the secret hole')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO t VALUES (%s)", ["the secret hole"])
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("SELECT 'the secret hole'::int")
        process = psutil.Process(connection.info.backend_pid)
        threading.Timer(0.5, process.kill).start()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 'the secret hole', pg_sleep(30)")
        server.open()
        log = (folder / "server.log").read_text()
    assert "terminated by signal 9" in log
    assert "ready to accept connections" in log
    assert "secret" not in log
