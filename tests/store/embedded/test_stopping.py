"""The embedded server and its keeper stop with their last user, and not before."""

import fcntl
import os
import signal
import time
from pathlib import Path

import psutil

from store.embedded import EmbeddedServer
from tests.store.embedded.people import People, keepers, postmaster, run, said, value


def test_the_server_and_its_keeper_stop_after_the_last_user(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        (keeper,) = keepers(folder)
        head = postmaster(folder)
        assert keeper.cpu_times().user + keeper.cpu_times().system < 0.5
    assert server.wait_until_stopped(30)
    gone, alive = psutil.wait_procs([keeper, head], timeout=10)
    assert all(process.status() == psutil.STATUS_ZOMBIE for process in alive), (gone, alive)
    assert "database system is shut down" in (folder / "server.log").read_text()


def test_the_server_stops_when_its_last_user_is_killed(anybody: People) -> None:
    user = anybody.start("hold")
    assert said(user) == "open"
    watcher = EmbeddedServer(anybody.folder)
    assert not watcher.wait_until_stopped(0.3)
    user.kill()
    assert watcher.wait_until_stopped(30)
    assert "received fast shutdown request" in (anybody.folder / "server.log").read_text()


def test_a_program_that_a_user_started_is_not_a_user(people: People) -> None:
    user = people.start("leave_a_child")
    orphan = psutil.Process(int(said(user)))
    try:
        assert user.wait(10) == 0
        assert EmbeddedServer(people.folder).wait_until_stopped(30)
        assert orphan.is_running()
    finally:
        orphan.kill()


def test_ctrl_c_in_the_terminal_of_one_user_stops_neither_the_server_nor_the_keeper(people: People) -> None:
    starter = people.start("hold")
    assert said(starter) == "open"
    with EmbeddedServer.use(people.folder) as server:
        os.killpg(starter.pid, signal.SIGINT)
        starter.wait(10)
        time.sleep(0.3)
        assert value(server, "SELECT 1") == 1
        assert len(keepers(people.folder)) == 1


def test_a_killed_keeper_is_replaced_by_the_next_user(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        (keeper,) = keepers(folder)
        keeper.kill()
        psutil.wait_procs([keeper], timeout=1)
    assert not server.wait_until_stopped(0.5)
    with EmbeddedServer.use(folder) as server:
        assert value(server, "SELECT 1") == 1
    assert server.wait_until_stopped(30)


def test_a_user_that_comes_between_the_last_user_and_the_stop_keeps_the_server(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        starting = os.open(folder / "start.lock", os.O_RDWR)
        fcntl.flock(starting, fcntl.LOCK_EX)
    time.sleep(0.3)  # the keeper has seen the last user go and waits for the start lock, which we hold
    using = os.open(folder / "users.lock", os.O_RDWR)
    fcntl.flock(using, fcntl.LOCK_SH)
    os.close(starting)
    assert not server.wait_until_stopped(0.5)
    assert value(server, "SELECT 1") == 1
    os.close(using)
    assert server.wait_until_stopped(30)


def test_users_that_come_while_the_server_stops_are_all_served(people: People) -> None:
    with EmbeddedServer.use(people.folder) as server:
        run(server, "CREATE TABLE visits (id bigserial)")
    visitors = [people.start("visit", 8) for _ in range(4)]
    outputs = [visitor.communicate(timeout=120)[0] for visitor in visitors]
    assert [visitor.returncode for visitor in visitors] == [0, 0, 0, 0]
    with EmbeddedServer.use(people.folder) as server:
        assert value(server, "SELECT count(*) FROM visits") == sum(output.count("visited") for output in outputs) == 32
        assert len(keepers(people.folder)) == 1
    assert server.wait_until_stopped(30)
    starts = (people.folder / "server.log").read_text().count("database system is ready to accept connections")
    assert starts > 2, "the server never stopped in between, so nothing was tested"
