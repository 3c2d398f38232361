"""How a long-running process speaks: one line per event on stderr, with the time in UTC. No line holds a citizen's words."""

from __future__ import annotations

import logging
import time


def log_to_stderr() -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)sZ %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    # The engine tells of every slice of turns, alembic of its context at every start.
    for name in ("procrastinate", "alembic", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
