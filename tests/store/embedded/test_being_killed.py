"""Whatever is killed, no acknowledged row is lost and the next user is served."""

import contextlib
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg

from store.embedded import EmbeddedServer
from tests.store.embedded.people import (
    IS_ROOT,
    People,
    keepers,
    kill_server,
    postmaster,
    run,
    said,
    value,
)


def test_every_acknowledged_row_survives_the_killing_of_everything(anybody: People) -> None:
    acknowledged: list[int] = []
    for _ in range(2):
        writer = anybody.start("write")
        acknowledged += [int(said(writer)) for _ in range(150)]
        keeper = keepers(anybody.folder)
        writer.send_signal(signal.SIGKILL)
        kill_server(anybody.folder)
        for process in keeper:
            process.kill()
        assert writer.stdout
        rest = writer.stdout.read()  # communicate() would pass over what readline() has already taken out of the pipe
        writer.wait()
        acknowledged += [int(line) for line in rest.split("\n")[:-1]]
    found = anybody.numbers_written()
    assert set(acknowledged) - set(found) == set()
    assert len(acknowledged) >= 300
    assert "was not properly shut down" in (anybody.folder / "server.log").read_text()


def test_an_open_server_that_was_killed_is_brought_back_by_open(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        run(server, "CREATE TABLE t AS SELECT 7 AS n")
        kill_server(folder)
        server.open()
        assert value(server, "SELECT n FROM t") == 7
    assert server.wait_until_stopped(30)


def test_a_backend_that_outlives_the_killed_server_is_waited_for(folder: Path) -> None:
    with EmbeddedServer.use(folder, wait_s=60) as server, contextlib.ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(server.dsn))
        backend = psutil.Process(connection.info.backend_pid)

        def work() -> None:
            with contextlib.suppress(psycopg.OperationalError):
                connection.execute("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b")

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.5)
        postmaster(folder).kill()
        time.sleep(0.5)
        assert backend.status() != psutil.STATUS_ZOMBIE, "the backend ended by itself, so nothing was tested"
        threading.Timer(1.5, backend.kill).start()
        began = time.monotonic()
        server.open()
        assert time.monotonic() - began > 1
        worker.join()
        assert value(server, "SELECT 1") == 1


def test_a_reused_pid_in_the_pid_files_fools_nobody(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        run(server, "CREATE TABLE t AS SELECT 7 AS n")
        owner = (folder / "data").stat()
        account: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid} if IS_ROOT else {}
        stranger = subprocess.Popen(["sleep", "60"], cwd="/", **account)
        kill_server(folder)
    try:
        assert server.wait_until_stopped(30)
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            path = folder / "data" / name
            lines = path.read_text().splitlines()
            path.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with EmbeddedServer.use(folder) as server:
            assert value(server, "SELECT n FROM t") == 7
        assert server.wait_until_stopped(30)
        assert stranger.poll() is None, "the stranger was taken for the server and stopped"
    finally:
        stranger.kill()
        stranger.wait()


def test_an_initialisation_that_was_cut_off_is_begun_anew(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedServer.use(folder) as server:
        assert value(server, "SELECT 1") == 1
    assert not (folder / "data.new").exists()
