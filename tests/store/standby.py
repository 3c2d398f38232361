"""A real streaming replica of an embedded server, made with the wheel's own programs, for tests that stop its replay or the whole of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from store.embedded import EmbeddedServer
from store.embedded_programs import PORT, Account, Programs, environment


@dataclass(frozen=True)
class Standby:
    """A running replica."""

    folder: Path
    programs: Programs

    def dsn(self, database: str = "okno") -> str:
        return f"postgresql://okno@/{database}?host={quote(str(self.folder))}&port={PORT}"

    def start(self) -> None:
        self._control("start", "-w", "-o", f"-c listen_addresses= -c unix_socket_directories={self.folder}")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def pause(self) -> None:
        """Replay nothing more, as a replica far away or very busy."""
        self._say("SELECT pg_wal_replay_pause()")
        # The request is obeyed a moment later.
        for _ in range(100):
            if self._say("SELECT pg_get_wal_replay_pause_state()") == "paused":
                return
        raise AssertionError("the replay does not pause")

    def resume(self) -> None:
        self._say("SELECT pg_wal_replay_resume()")

    def _say(self, statement: str) -> object:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None

    def _control(self, *words: str) -> None:
        run(
            self.programs,
            self.folder,
            "pg_ctl",
            "-D",
            str(self.folder / "data"),
            "-l",
            str(self.folder / "log"),
            *words,
        )


def run(programs: Programs, folder: Path, program: str, *arguments: str) -> None:
    """One of the server's programs, as the account that runs servers."""
    account = programs.account
    subprocess.run(
        [programs.bin_folder / program, *arguments],
        check=True,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=120,
        user=account.uid if account else None,
        group=account.gid if account else None,
    )


@contextlib.contextmanager
def standby_of(server: EmbeddedServer) -> Iterator[Standby]:
    """A replica that follows the server."""
    folder = Path(tempfile.mkdtemp(prefix="okno-standby-", dir="/tmp"))  # short: sockets have short names
    account = Account.choose(server.folder, server.folder / "data")
    if account:
        os.chown(folder, account.uid, account.gid)
    standby = Standby(folder, Programs.find(account))
    try:
        source = ["-h", str(server.socket_folder), "-p", str(PORT), "-U", "okno"]
        run(standby.programs, folder, "pg_basebackup", *source, "-D", "data", "-R", "-X", "stream", "-c", "fast")
        standby.start()
        yield standby
        with contextlib.suppress(subprocess.CalledProcessError):
            standby.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
