"""`okno serve`: the HTTP door as a process, or as several behind one socket.

The application is named to uvicorn by a string and not imported here: the command line and the gateway do not know each other.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from typing import Annotated, Any

import typer
from uvicorn.importer import import_from_string

from agencies.reference_data import load_reference_data
from cli.failure import EXIT_CODES, Failure, plain_failures
from cli.process_log import log_to_stderr
from cli.processes import Processes, environment_of_children
from store.home import Home

_QUEUE = 2048

log = logging.getLogger(__name__)


def serve(
    host: Annotated[
        str | None, typer.Option(envvar="OKNO_HOST", help="Address to listen on; 127.0.0.1 unless said.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            envvar="OKNO_PORT", min=0, max=65535, help="Port to listen on; 8000 unless said, 0 takes a free one."
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(envvar="OKNO_PROCESSES", min=1, max=64, help="How many processes serve; about one per core."),
    ] = 1,
) -> None:
    """Serve GraphQL, webhooks, health checks and metrics until SIGTERM or Ctrl-C.

    Any number of gateways may serve one database. Settings come from the environment: OKNO_HOME, OKNO_CONFIG, OKNO_DATABASE_URL, OKNO_MODE,
    OKNO_TOKEN_ISSUER, OKNO_TOKEN_KEYS, OKNO_TOKEN_AUDIENCE and those of docs/operate-gateway.md.
    """
    with plain_failures():
        home = Home.from_environment()
        if host is not None:
            os.environ["OKNO_HOST"] = host
        settings = settings_from_environment()
        log_to_stderr()
        load_reference_data(home.config)  # its faults are told here as a list, and not from within the running server
        check_trusted_documents(settings)  # and so are those of the table
        with (
            listening_socket(settings.host, settings.port if port is None else port) as listener,
            home.database_url() as database_url,
        ):
            address, taken = listener.getsockname()[:2]
            log.info("serving http://%s:%d/graphql", f"[{address}]" if ":" in address else address, taken)
            if processes == 1:
                serve_here(settings, listener)
                return
            # From here on the queue exists: nobody who comes while a process is replaced is refused.
            listener.listen(_QUEUE)
            environment = environment_of_children(database_url, settings.host)
            leave_within_s = settings.drain_s + settings.shutdown_s
            Processes(processes, listener, environment, leave_within_s=leave_within_s).run()


def settings_from_environment() -> Any:  # noqa: ANN401 - a type of the gateway, which is not imported
    """The gateway's settings. Raises Failure with everything that is wrong in them."""
    # The port is ours to bind, and 0 is no port a gateway can be configured with.
    environment = {name: value for name, value in os.environ.items() if name != "OKNO_PORT"}
    try:
        return import_from_string("gateway.settings:Settings").from_environment(environment)
    except ValueError as faults:
        raise _bad(faults) from None


def check_trusted_documents(settings: Any) -> None:  # noqa: ANN401 - as above
    """Raises Failure when a document of the trusted table does not fit the schema."""
    try:
        import_from_string("gateway.trusted:check_trusted_documents")(settings)
    except ValueError as faults:
        raise _bad(faults) from None


def serve_here(settings: Any, listener: socket.socket, sibling: Any = None) -> None:  # noqa: ANN401 - as above
    """Serve in this process until told to stop. Raises Failure when that does not even begin."""
    try:
        served = import_from_string("gateway.serving:serve")(settings, listener, sibling)
    except ValueError as faults:
        raise _bad(faults) from None
    if not served:
        raise Failure("The gateway did not start; the lines above say why.")


def _bad(faults: ValueError) -> Failure:
    return Failure(f"The settings in the environment do not make sense:\n{faults}")


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket. Raises Failure with the remedy when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # The protocol is named because asyncio sets TCP_NODELAY only then.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Failure(
                f"Port {port} of {host} is in use. Stop who uses it, or choose another with --port (0 takes a free one)."
            ) from None
        if error.errno == errno.EACCES:
            raise Failure(f"Port {port} may be used by root only. Choose one above 1023 with --port.") from None
        raise Failure(
            f"Cannot listen on {host}: {error.strerror}. Name an address of this machine with --host."
        ) from None
    return listener


EPILOG = f"Example: okno serve --port 8080 --processes 4. {EXIT_CODES}"
