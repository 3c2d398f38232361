"""The ground that reading is measured on: an installation in `.okno/bench`, loaded once and kept between runs.

Each number of messages has a folder of its own, with the database, a config folder and the keys of the tokens' issuer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from joserfc.jwk import OKPKey

from agencies.reference_data import ReferenceData, load_reference_data
from agencies.registry import Registry
from bench.read.country import make_country, write_config
from bench.read.keys import ISSUER, subject
from bench.read.lives import World, ranked
from bench.read.load import Say, load, sizes
from cli.development_key import issue_token
from store import migrations
from store.embedded import EmbeddedServer
from store.migrate import migrate
from store.registry import sync_registry
from store.unit import Database

BENCH_HOME = Path(__file__).resolve().parent.parent.parent / ".okno" / "bench"
SEED = 20
_MIGRATIONS = Path(migrations.__file__).with_name("versions")
_TOKENS_LAST_S = 24 * 3600
# As an operator would set them for a database of this size on a machine of its own; the embedded server's defaults are for a laptop.
_SERVER_SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "work_mem": "16MB",
    # The hub's connections say so themselves; so that its peers have it too.
    "random_page_cost": "1.1",
}
_KEY = {"use": "sig", "alg": "Ed25519"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A running, loaded installation."""

    folder: Path
    server: EmbeddedServer
    key: OKPKey
    loaded: Mapping[str, Any]
    """What the load wrote about itself: seed, count, until, seconds, megabytes."""
    tokens: dict[int, str] = field(default_factory=dict)

    @property
    def bodies(self) -> list[str]:
        """The organisations, the most written to first."""
        return [body.code for body in ranked(make_country().bodies, int(self.loaded["seed"]))]

    @property
    def database_pid(self) -> int:
        return int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])

    def token(self, number: int) -> str:
        """A signed token of the `number`-th person; see `bench.read.keys`."""
        if number not in self.tokens:
            self.tokens[number] = issue_token(self.key, subject(number), _TOKENS_LAST_S, issuer=ISSUER)
        return self.tokens[number]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """For a gateway in production mode on this installation and no other."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OKNO_")}
        ours = {
            "OKNO_HOME": str(self.folder),
            "OKNO_CONFIG": str(self.folder / "config"),
            "OKNO_DATABASE_URL": self.server.url,
            "OKNO_MODE": "production",
            "OKNO_TOKEN_ISSUER": ISSUER,
            "OKNO_TOKEN_KEYS": str(self.folder / "keys.json"),
        }
        return {**inherited, **ours, **(extra or {})}

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


@contextlib.contextmanager
def open_kept(count: int, say: Say) -> Iterator[Kept]:
    """The installation with `count` messages; loaded first if it is not there yet or its load did not end."""
    folder = BENCH_HOME / str(count)
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "load.json"
    key = _key(folder)
    if not note.exists():
        _load(folder, count, note, say)
    loaded = json.loads(note.read_text())
    now = _migrations()
    if any(now.get(name) != digest for name, digest in loaded["migrations"].items()):
        raise SystemExit(
            f"{folder} was loaded with other migrations than there are now: remove the folder to load again."
        )
    with EmbeddedServer.use(folder / "postgres") as server:
        _set(server)
        migrate(server.url)
        yield Kept(folder, server, key, loaded)


def _load(folder: Path, count: int, note: Path, say: Say) -> None:
    if (folder / "postgres").exists():
        message = f"{folder} holds a load that did not end: remove the folder and start again"
        raise SystemExit(message)
    say(f"Loading {count} messages into {folder}; kept for the next time.")
    began_at = time.perf_counter()
    country = make_country()
    write_config(folder / "config", country)
    _configure(folder)
    reference = load_reference_data(folder / "config")
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = World(
        seed=SEED,
        count=count,
        until_s=until.timestamp(),
        bodies=ranked(country.bodies, SEED),
        categories=[one.code for one in reference.rubricator.categories if one.parent is not None],
        rubricator_version=reference.rubricator.version,
    )
    with EmbeddedServer.use(folder / "postgres") as server:
        _set(server)
        migrate(server.url)
        asyncio.run(_reference(server.url, reference, folder / "config"))
        load(server.dsn, world, say)
        took = {"seconds": round(time.perf_counter() - began_at), "megabytes": sizes(server.dsn)}
    about = {"seed": SEED, "count": count, "until": until.isoformat(), "migrations": _migrations(), **took}
    note.write_text(json.dumps(about, indent=2))
    say(f"  loaded in {took['seconds']} s, {sizes_in_words(took['megabytes'])}")


def _migrations() -> dict[str, str]:
    """What each migration says, in short: a database is kept for as long as none of those it was made with is rewritten."""
    files = _MIGRATIONS.glob("0*.py")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(files)}


def sizes_in_words(megabytes: Any) -> str:  # noqa: ANN401 - read from JSON
    return ", ".join(f"{name} {size:.0f} MB" for name, size in megabytes.items())


def _configure(folder: Path) -> None:
    """Make the data folder and write the settings into it before anything is loaded."""
    with EmbeddedServer.use(folder / "postgres") as server:
        _set(server)
        stopping = server
    stopping.wait_until_stopped()


def _set(server: EmbeddedServer) -> None:
    """Those that need no start are in force at once."""
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for name, value in _SERVER_SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        connection.execute("SELECT pg_reload_conf()")


async def _reference(url: str, reference: ReferenceData, config: Path) -> None:
    database = Database(url)
    async with database.unit() as unit:
        await sync_registry(
            unit,
            rubricator=reference.rubricator,
            territories=reference.territories,
            organisations=reference.organisations,
            connected=Registry.load(config, variables={}).codes,
        )
    await database.close()


def _key(folder: Path) -> OKPKey:
    """The issuer's key; its public half is what the gateway reads."""
    path = folder / "issuer-key.json"
    if not path.exists():
        made = OKPKey.generate_key("Ed25519", private=True, auto_kid=True)
        path.write_text(json.dumps({**made.as_dict(private=True), **_KEY}))
        (folder / "keys.json").write_text(json.dumps({"keys": [{**made.as_dict(private=False), **_KEY}]}))
    return OKPKey.import_key(json.loads(path.read_bytes()))
