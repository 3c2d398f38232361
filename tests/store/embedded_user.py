"""A process that uses the embedded server, for tests that kill it or run it as somebody else.

`python -m tests.store.embedded_user VERB FOLDER [TIMES]` prints one line per thing done, and prints it only when it is done.
"""

import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from store.embedded import EmbeddedServer

TABLE = "CREATE TABLE IF NOT EXISTS written (number bigint PRIMARY KEY, by_pid int)"


def say(line: object) -> None:
    """Print at once: the reader may kill us right after."""
    print(line, flush=True)  # noqa: T201 - printing is what this program is for


def hold(folder: Path) -> None:
    """Use the server until standard input ends."""
    with EmbeddedServer.use(folder):
        say("open")
        sys.stdin.read()
    say("closed")


def write(folder: Path) -> None:
    """Write one row after another for ever, each in its own transaction."""
    with EmbeddedServer.use(folder) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        first = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM written").fetchone()
        number = int(first[0]) if first else 1
        while True:
            connection.execute("INSERT INTO written VALUES (%s, pg_backend_pid())", [number])
            say(number)
            number += 1


def read(folder: Path) -> None:
    """Print every row there is."""
    with EmbeddedServer.use(folder) as server, psycopg.connect(server.dsn) as connection:
        for (number,) in connection.execute("SELECT number FROM written ORDER BY number"):
            say(number)


def visit(folder: Path, times: int) -> None:
    """Open, write one row, close; again and again."""
    for _ in range(times):
        with EmbeddedServer.use(folder) as server, psycopg.connect(server.dsn) as connection:
            connection.execute("INSERT INTO visits VALUES (DEFAULT)")
            connection.commit()
            say("visited")


def leave_a_child(folder: Path) -> None:
    """Start a program that outlives us, then end without closing."""
    server = EmbeddedServer(folder)
    server.open()
    say(subprocess.Popen(["sleep", "60"], close_fds=False, start_new_session=True, stdout=subprocess.DEVNULL).pid)


if __name__ == "__main__":
    # A suite started in the background of a shell hands SIGINT down as ignored; a user at a terminal has it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    verbs = {"hold": hold, "write": write, "read": read, "leave_a_child": leave_a_child}
    place = Path(sys.argv[2])
    if sys.argv[1] == "visit":
        visit(place, int(sys.argv[3]))
    else:
        verbs[sys.argv[1]](place)
