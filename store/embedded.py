"""The embedded PostgreSQL: a real server in one named folder, for a machine on which nobody wants to set one up.

`with EmbeddedServer.use(folder) as server:` starts the server or joins the running one, and `server.url` is where it is. Any number of
processes may do so at once. The server stops when its last user is gone, even if that one was killed, and whatever was killed, the next
`use` brings back every row that was acknowledged. Everything lives under the folder:

    data/         the database, its socket included (a longer path than sockets allow: the socket is in /tmp/okno-<hash>, private)
    server.log    what the server said; one older file beside it
    start.lock    held while somebody starts or stops the server
    users.lock    shared by every user; see `store.embedded_keeper`, which stops the server when nobody shares it
    server.lock   inherited by the server and all its children: who gets it knows that none of them lives, whatever a pid file says
    keeper.lock   held by the keeper

The locks are `flock`s on descriptors that no spawned program inherits; a `fork` without `exec` counts as a user until it ends. The server
trusts whoever reaches its socket, and the folder around the socket lets in only the account that runs the server (and root).
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from store.embedded_programs import PORT, Account, EmbeddedServerError, Programs, environment, private_folder

__all__ = ["EmbeddedServer", "EmbeddedServerError"]

SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 103 bytes on macOS, 107 on Linux
LARGEST_LOG = 8 * 1024 * 1024
log = logging.getLogger(__name__)

KEEPER = Path(__file__).with_name("embedded_keeper.py")


class EmbeddedServer:
    """One process's use of the server in `folder`; blocking, meant to be opened once when the process starts.

    `wait_s` bounds every wait: crash recovery of a full log can take longer than 20 s.
    """

    def __init__(self, folder: Path, database: str = "okno", wait_s: float = 120.0) -> None:
        self.folder = folder.resolve()
        self.database = database
        self.wait_s = wait_s
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._users_lock: int | None = None

    @classmethod
    @contextlib.contextmanager
    def use(cls, folder: Path, database: str = "okno", wait_s: float = 120.0) -> Iterator[Self]:
        """Open the server for the length of a `with` block."""
        server = cls(folder, database, wait_s)
        server.open()
        try:
            yield server
        finally:
            server.close()

    @property
    def url(self) -> str:
        """Where the database is, for SQLAlchemy with psycopg 3."""
        return self._address(self.database, "postgresql+psycopg")

    @property
    def dsn(self) -> str:
        """Where the database is, for libpq and psycopg itself."""
        return self._address(self.database, "postgresql")

    @property
    def socket_folder(self) -> Path:
        """The folder of the server's socket: the data folder, or a short private one when that path is too long for a socket."""
        if len(os.fsencode(self._data / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return self._data
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(f"/tmp/okno-{digest}")  # noqa: S108 - not $TMPDIR: all users must find the same; ownership is checked

    def open(self) -> None:
        """Start the server or join it, and make the database if it is missing.

        May be called again on an open server, to bring it back after it was killed. Raises `EmbeddedServerError`; the server is closed then.
        """
        deadline = time.monotonic() + self.wait_s
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone(deadline):
                if self._users_lock is None:
                    self._users_lock = self._lock_file("users.lock")
                    if not _wait_for_lock(self._users_lock, fcntl.LOCK_SH, deadline):
                        raise self._failure("its keeper does not answer", "end the process that holds `users.lock`")
                self._ensure_keeper()
                self._ensure_database(deadline)
        except OSError as problem:
            self.close()
            raise EmbeddedServerError(
                f"The database folder {self.folder} cannot be used: {problem}. "
                "Remedy: name a folder that belongs to this user (or root), on a disk with free space."
            ) from problem
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop using the server. Returns at once; the keeper stops the server if this was its last user."""
        if self._users_lock is not None:
            os.close(self._users_lock)  # never LOCK_UN: a forked child may share the descriptor
            self._users_lock = None

    def listens(self) -> bool:
        """Whether somebody accepts connections at the server's socket. Cheap; says nothing about how well."""
        return _listens(self.socket_folder / SOCKET_NAME)

    @contextlib.contextmanager
    def watched(self, every_s: float = 1.0) -> Iterator[None]:
        """While the block lasts, bring the open server back whenever it was killed: nobody else on this machine would."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(every_s):
                if self.listens():
                    continue
                try:
                    self.open()
                    log.warning("the embedded server was gone and is back")
                except EmbeddedServerError as problem:
                    log.error("the embedded server is gone and does not come back: %s", problem)

        watcher = threading.Thread(target=watch, name="embedded server watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def wait_until_stopped(self, timeout_s: float = 30.0) -> bool:
        """Wait until no process of the server lives, as before the folder is deleted; False when some still does."""
        lock = self._lock_file("server.lock")
        try:
            return _wait_for_lock(lock, fcntl.LOCK_EX, time.monotonic() + timeout_s)
        finally:
            os.close(lock)

    def _address(self, database: str, scheme: str) -> str:
        # The port is named because PGPORT would change it. quote, not quote_plus: libpq reads a plus as a plus.
        return f"{scheme}://okno@/{quote(database, safe='')}?host={quote(str(self.socket_folder))}&port={PORT}"

    @contextlib.contextmanager
    def _alone(self, deadline: float) -> Iterator[None]:
        """Hold the start lock: nobody else starts or stops the server meanwhile."""
        lock = self._lock_file("start.lock")
        try:
            if not _wait_for_lock(lock, fcntl.LOCK_EX, deadline):
                raise self._failure(
                    f"another process has been starting or stopping the server for more than {self.wait_s:g} s",
                    "wait for it to end; `fuser start.lock` in the folder names it",
                )
            yield
        finally:
            os.close(lock)

    def _lock_file(self, name: str, flags: int = os.O_RDWR) -> int:
        """Open a file of the folder, not inheritable. As root a new one is given to the owner of the folder, who may come later."""
        path = self.folder / name
        try:
            fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(path, flags | os.O_NOFOLLOW)
        if os.geteuid() == 0:
            owner = self.folder.stat()
            os.fchown(fd, owner.st_uid, owner.st_gid)
        return fd

    def _ensure_keeper(self) -> None:
        lock = self._lock_file("keeper.lock")
        os.close(self._lock_file("server.lock"))
        log = self._lock_file("server.log", os.O_WRONLY | os.O_APPEND)
        try:
            if not _wait_for_lock(lock, fcntl.LOCK_EX, deadline=0):
                return  # a keeper lives
            arguments = [str(self.folder), str(self.socket_folder / SOCKET_NAME), str(lock)]
            command = [sys.executable, "-I", "-S", str(KEEPER), *arguments]
            started = subprocess.run(  # noqa: S603 - our own file under our own interpreter
                command,
                check=False,
                pass_fds=(lock,),
                start_new_session=True,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            if started.returncode != 0:
                raise self._failure("the process that stops it at the end did not start", "mend what the log names")
        finally:
            os.close(log)
            os.close(lock)

    def _connect_when_ready(self, deadline: float) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection to the running server, which is started if no process of one is left. Call under the start lock."""
        launched = False
        while True:
            if self.socket_folder != self._data:
                private_folder(self.socket_folder, Account.choose(self.folder, self._data))
            lock = self._lock_file("server.lock")
            try:
                # Not free: a server is up, coming up, recovering, or dead with a backend that has yet to notice. Only a connection tells.
                if _wait_for_lock(lock, fcntl.LOCK_EX, deadline=0):
                    if launched:
                        raise self._failure(
                            "the server ended while starting", "mend what the log names, then start again"
                        )
                    self._launch(lock)
                    launched = True
            finally:
                os.close(lock)
            try:
                return psycopg.connect(self._address("postgres", "postgresql"), connect_timeout=5, autocommit=True)
            except psycopg.OperationalError as problem:
                if time.monotonic() > deadline:
                    raise self._failure(
                        f"the server gave no answer within {self.wait_s:g} s: {str(problem).strip()}",
                        "if the log shows a recovery, wait for it and start again; otherwise end the processes that `fuser server.lock` "
                        "in the folder names",
                    ) from problem
            time.sleep(0.03)

    def _launch(self, lock: int) -> None:
        """Start the server. `lock` is the locked server.lock, so whatever was left behind in the folder is without a process."""
        account = Account.choose(self.folder, self._data)
        programs = Programs.find(account)
        if not self._data.exists():
            programs.initialise(self._data, lock)
        self._clear_pid_files()
        if self._log.stat().st_size > LARGEST_LOG:
            self._log.replace(self._log.with_suffix(".log.1"))
        log = self._lock_file("server.log", os.O_WRONLY | os.O_APPEND)
        try:
            programs.launch(self._data, self.socket_folder, log, lock)
        finally:
            os.close(log)

    def _clear_pid_files(self) -> None:
        """Remove the pid files of a killed server: PostgreSQL refuses to start when their pid has been given to another process."""
        record = self._data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError):
            lines = record.read_text().splitlines()
            if len(lines) > 4 and _listens(self._data / lines[4] / f".s.PGSQL.{lines[3]}"):
                raise self._failure(
                    f"a server that was started by hand (pid {lines[0]}) uses the data folder",
                    f"stop it with `pg_ctl -D {self._data} stop`",
                )
            record.unlink()
        (self.socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _ensure_database(self, deadline: float) -> None:
        """Asks once more when the server closes the connection: one whose backend was killed takes callers until it has noticed."""
        while True:
            try:
                with self._connect_when_ready(deadline) as connection:
                    if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [self.database]).fetchall():
                        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))
                    return
            except psycopg.OperationalError as problem:
                if time.monotonic() > deadline:
                    raise self._failure(
                        f"the server closed the connection: {str(problem).strip()}", "mend what the log names"
                    ) from problem
            time.sleep(0.03)

    def _failure(self, what: str, remedy: str) -> EmbeddedServerError:
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, self._log.stat().st_size - 4000))
                tail = log.read().decode(errors="replace").splitlines()[-15:]
        except OSError:
            tail = []
        said = "\n  ".join([f"Last lines of {self._log}:", *(tail or ["(empty)"])])
        return EmbeddedServerError(
            f"The embedded PostgreSQL in {self.folder} cannot be used: {what}.\n{said}\nRemedy: {remedy}."
        )


def _wait_for_lock(fd: int, kind: int, deadline: float) -> bool:
    """Lock the file, waiting until `deadline` (monotonic seconds; 0 tries once); False when others held it all the time."""
    while True:
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _listens(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as wire:
        try:
            wire.connect(str(address))
        except OSError:
            return False
    return True
