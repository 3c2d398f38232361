"""One of several serving processes, as `cli.processes` starts it: `python -m cli.serve_process SOCKET LINE NUMBER FOLDER`.

SOCKET and LINE are open descriptors: where to serve, and the line to the parent. Everything else comes from the environment.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import typer
from uvicorn.importer import import_from_string

from cli.failure import plain_failures
from cli.process_log import log_to_stderr
from cli.serve import serve_here, settings_from_environment


def main(listener: int, line: int, number: int, folder: Path) -> None:
    """Serve until SIGTERM, or until the parent is gone."""
    log_to_stderr()
    with plain_failures():
        sibling = import_from_string("gateway.serving:Sibling")(number, folder, socket.socket(fileno=line))
        serve_here(settings_from_environment(), socket.socket(fileno=listener), sibling)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
