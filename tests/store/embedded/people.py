"""Processes that use the embedded server, and a look at what runs."""

import contextlib
import os
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from store.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[3]
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
