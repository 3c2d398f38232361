"""Errors of the embedded server name the cause and the remedy."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from store.embedded import EmbeddedServer, EmbeddedServerError
from store.embedded_programs import Account, Programs
from tests.store.embedded.people import (
    People,
    only_root,
    postmaster,
    value,
)


def test_a_server_that_does_not_start_is_an_error_with_the_log_and_the_remedy(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        pass
    assert server.wait_until_stopped(30)
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("\nnonsense_setting = 1\n")
    with pytest.raises(EmbeddedServerError) as caught, EmbeddedServer.use(folder):
        pass
    first, *_, last = str(caught.value).splitlines()
    assert "ended while starting" in first
    assert "nonsense_setting" in str(caught.value)
    assert last.startswith("Remedy: ")


def test_a_frozen_server_is_an_error_after_the_wait_and_never_a_second_server(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        head = postmaster(folder)
        head.suspend()
        try:
            with (
                pytest.raises(EmbeddedServerError, match="gave no answer within 1 s"),
                EmbeddedServer.use(folder, wait_s=1),
            ):
                pass
        finally:
            head.resume()
        assert value(server, "SELECT 1") == 1
        assert postmaster(folder) == head


def test_a_server_started_by_hand_is_left_alone(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        pass
    assert server.wait_until_stopped(30)
    data = folder / "data"
    programs = Programs.find(Account.choose(folder, data))
    free = os.open(folder / "not.a.lock", os.O_CREAT)
    with (folder / "hand.log").open("w") as log:
        programs.launch(data, data, log.fileno(), free)
    os.close(free)
    while "ready" not in (folder / "hand.log").read_text():
        time.sleep(0.05)
    by_hand = postmaster(folder)
    try:
        with pytest.raises(EmbeddedServerError, match="started by hand"), EmbeddedServer.use(folder):
            pass
        assert value(server, "SELECT 1") == 1
    finally:
        by_hand.send_signal(signal.SIGINT)
        with contextlib.suppress(psutil.TimeoutExpired):
            by_hand.wait(10)


@only_root
def test_a_folder_of_somebody_else_is_an_error_with_the_remedy(ordinary_people: People) -> None:
    private = ordinary_people.folder
    private.mkdir(mode=0o700)
    command = [ordinary_people.python, "-m", "tests.store.embedded_user", "hold", str(private / "db")]
    options = {"env": ordinary_people.environment, **ordinary_people.account}
    answer = subprocess.run(command, cwd="/", text=True, stderr=subprocess.PIPE, **options)
    assert answer.returncode == 1
    assert "Remedy: name a folder that belongs to this user" in answer.stderr
