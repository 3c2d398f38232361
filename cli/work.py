"""`okno work`: the worker as a process."""

from __future__ import annotations

import asyncio
import logging

from cli.configuration import load_agencies
from cli.failure import EXIT_CODES, plain_failures
from cli.process_log import log_to_stderr
from delivery.worker import work as work_until_stopped
from store.blobs import Blobs
from store.home import Home

log = logging.getLogger(__name__)


def work() -> None:
    """Bring messages to agencies and their answers home, until SIGTERM or Ctrl-C.

    Stopped, it finishes the calls under way first. Killed, it loses nothing: another worker, or its own next start, goes on.
    Any number of workers may serve one database. Settings come from the environment: OKNO_HOME, OKNO_CONFIG,
    OKNO_DATABASE_URL, OKNO_MODE, OKNO_PUBLIC_ADDRESS and OKNO_LINK_KEY (links to files), and the variables named in the agency files.
    """
    with plain_failures():
        home = Home.from_environment()
        log_to_stderr()
        registry = load_agencies(home)
        for fault in registry.faults:
            log.error("left out: %s", fault)
        for fault in registry.unset_variables():
            log.warning("not set: %s", fault)
        with home.database_url() as url:
            links = home.file_links() if home.public_address is not None else None
            asyncio.run(work_until_stopped(url, registry, Blobs(home.attachments), links))


EPILOG = f"See also: okno agency list. {EXIT_CODES}"
