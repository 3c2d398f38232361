"""A classic tracker of Roundup in the folder it is given, served on 127.0.0.1 until its standard input ends.

Runs under an interpreter that has Roundup, and imports nothing of ours. Users: `okno`, who is the hub, and `admin`, who is an official; their
passwords come from the environment.
"""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from roundup.cgi.wsgi_handler import RequestDispatcher  # type: ignore[import-not-found]  # lives beside this interpreter only

_SETTINGS = (
    ("#web = NO DEFAULT", "web = {address}/appeals/"),
    ("#domain = NO DEFAULT", "domain = appeals.example"),
    ("#host = NO DEFAULT", "host = 127.0.0.1"),
    # A password of 250 000 rounds costs a test more than the call it opens.
    ("password_pbkdf2_default_rounds = 250000", "password_pbkdf2_default_rounds = 1000"),
    # Nobody's mail leaves this machine.
    ("\ndebug = \n", "\ndebug = {folder}/mail.log\n"),
)


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Says nothing."""


def main(folder: Path) -> None:
    tracker = folder / "tracker"
    server = _Server(("127.0.0.1", 0), _Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    _admin(tracker, "install", "classic", "sqlite")
    settings = tracker / "config.ini"
    text = settings.read_text()
    for old, new in _SETTINGS:
        text = text.replace(old, new.format(address=address, folder=folder))
    settings.write_text(text)
    _admin(tracker, "initialise", os.environ["STACK_OFFICIALS_PASSWORD"])
    hub = (f"password={os.environ['STACK_PASSWORD']}", "address=okno@appeals.example", "roles=User")
    _admin(tracker, "create", "user", "username=okno", *hub)
    served = RequestDispatcher(str(tracker))

    def below_its_name(environ: dict[str, object], start_response: object) -> object:
        """The tracker stands at /appeals, as its address says."""
        name, path = "/appeals", str(environ["PATH_INFO"])
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = name, path.removeprefix(name)
        return served(environ, start_response)

    server.set_app(below_its_name)  # type: ignore[arg-type]  # the library's own callable has no types
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"address": address}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def _admin(tracker: Path, *command: str) -> None:
    program = Path(sys.executable).with_name("roundup-admin")
    subprocess.run([program, "-i", tracker, *command], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
