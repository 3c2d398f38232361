"""Packages of a folder as its lock file names them, and programs that run with them under the project's own Node."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from store.home import PROJECT

_TOOLS = PROJECT / ".tools" / "bin"
_INSTALLED_WITHIN_S = 500
_RUNS_WITHIN_S = 120


def _run(folder: Path, command: list[str], within_s: float, environment: dict[str, str]) -> str:
    path = f"{_TOOLS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=within_s,
    )
    assert done.returncode == 0, f"{' '.join(command)} in {folder}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def install(folder: Path) -> None:
    """`npm ci` for a folder, unless its packages are those of its lock file already. No package's own scripts run."""
    with (folder / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two processes of one run must not install at once
        mark, lock = folder / "node_modules" / ".installed-lock.json", folder / "package-lock.json"
        if mark.exists() and mark.read_bytes() == lock.read_bytes():
            return
        command = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-fund", "--no-audit", "--loglevel=error"]
        _run(folder, command, _INSTALLED_WITHIN_S, {})
        mark.write_bytes(lock.read_bytes())


def run(folder: Path, *command: str, **environment: str) -> str:
    """What a program prints: `node`, `npm`, or one of the folder's packages. Its failure is the test's."""
    install(folder)
    program = list(command) if command[0] in {"node", "npm"} else ["npx", "--no-install", *command]
    return _run(folder, program, _RUNS_WITHIN_S, environment)


def run_json(folder: Path, script: str, *arguments: str, **environment: str) -> Any:
    """What a Node script prints as JSON."""
    return json.loads(run(folder, "node", script, *arguments, **environment))
