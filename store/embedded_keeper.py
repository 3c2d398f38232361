"""The keeper: a tiny process that stops the embedded PostgreSQL once its last user is gone, however that user ended.

Run as `python -I -S embedded_keeper.py FOLDER SOCKET LOCK_FD` by `store.embedded`, never imported by it. It is started in a session
of its own, so Ctrl-C does not reach it, forks so that nobody has to wait for its end, and then sleeps in the kernel on an exclusive
lock of `users.lock`, which every user of the server shares. It loads nothing but a few modules of the standard library: it costs a few
megabytes and no processor time.

LOCK_FD is `keeper.lock`, already locked by the process that started it; the lock says that a keeper lives.
The order of the locks is always start, then users, then server; the keeper never waits for one while holding a later one.
"""

import fcntl
import os
import signal
import socket
import struct
import sys
import time


def locked(fd: int) -> bool:
    """Take the file's exclusive lock if nobody holds it; say whether it was taken."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def listener(address: str, folder: str) -> int:
    """The process that listens on the socket, asked of the kernel, so a reused pid cannot deceive; 0 when nobody answers."""
    with socket.socket(socket.AF_UNIX) as wire:
        try:
            wire.connect(address)
        except OSError:
            return 0
        if hasattr(socket, "SO_PEERCRED"):
            pid, _, _ = struct.unpack(
                "3i", wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            )
            return int(pid)
    with open(os.path.join(folder, "data", "postmaster.pid")) as record:  # noqa: PTH118, PTH123 - pathlib would triple the memory
        return int(record.readline())


def stop_server(address: str, folder: str, server: int) -> None:
    """Ask the server for a fast shutdown and return when every process of it is gone."""
    while not locked(server):
        if pid := listener(address, folder):
            os.kill(pid, signal.SIGINT)
            fcntl.flock(server, fcntl.LOCK_EX)
            return
        time.sleep(0.1)  # started a moment ago and not listening yet, or killed with a backend that has yet to notice


def keep(folder: str, address: str, own_lock: int) -> None:
    """Wait for the last user to leave, stop the server, end."""
    names = ("start.lock", "users.lock", "server.lock")
    start, users, server = (os.open(os.path.join(folder, name), os.O_RDWR | os.O_CLOEXEC) for name in names)  # noqa: PTH118
    if os.fork():
        os._exit(0)
    os.chdir("/")
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        fcntl.flock(start, fcntl.LOCK_EX)
        if locked(users):
            break
        fcntl.flock(start, fcntl.LOCK_UN)  # somebody came while we waited for the start lock: they are our user now
    stop_server(address, folder, server)
    for fd in (server, users, own_lock, start):  # start last: whoever gets it must find neither a server nor a keeper
        os.close(fd)


if __name__ == "__main__":
    keep(sys.argv[1], sys.argv[2], int(sys.argv[3]))
