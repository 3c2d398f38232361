"""The ground a measurement stands on: a throw-away PostgreSQL with the house's reference data, and the environment of its processes.

Everything lives in one temporary folder and is gone afterwards. Nothing of the installation of whoever measures is read or written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from agencies.reference_data import load_reference_data
from agencies.registry import Registry
from store.embedded import EmbeddedServer
from store.embedded_programs import PORT
from store.migrate import migrate
from store.registry import sync_registry
from store.unit import Database

CONFIG = Path(__file__).resolve().parent.parent / "config"

POTHOLE = (
    "На улице Ленина, напротив дома 12, третью неделю не могут заделать яму: глубина около двадцати сантиметров, после дождя её не видно, "
    "вчера там пробила колесо соседка, а утром чуть не упал велосипедист. Ямы есть и дальше, до самого перекрёстка, но эта самая опасная. "
    "Просим поставить ограждение уже сегодня."
)
ROOF = (
    "В нашем доме протекает крыша над третьим подъездом: вода идёт по стене с пятого этажа до второго, отсырела проводка, на лестнице пахнет "
    "плесенью. Управляющая компания приходила месяц назад, сделала снимки и больше не появлялась, на звонки отвечают, что ждут тепла. "
    "Просим помочь с ремонтом."
)
CATEGORIES = {"city-roads": ("roads/pothole", POTHOLE), "housing-inspection": ("housing/roof", ROOF)}
"""What each connected body gets: a category of its own and words."""
LATITUDE, LONGITUDE, ADDRESS = 54.5136, 36.2614, "Калуга, улица Ленина, 12"


@dataclass(frozen=True, slots=True)
class Ground:
    """A running, migrated database and where things are."""

    folder: Path
    server: EmbeddedServer

    @property
    def database_pid(self) -> int:
        """The head of the database's processes."""
        return int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """For a child process: this installation and no other."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OKNO_")}
        ours = {
            "OKNO_HOME": str(self.folder),
            "OKNO_CONFIG": str(CONFIG),
            "OKNO_DATABASE_URL": self.server.url,
            "OKNO_MODE": "development",
        }
        return {**inherited, **ours, **(extra or {})}

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    async def connect(self) -> asyncpg.Connection:
        """A bare connection, for looking and for setting up."""
        return await asyncpg.connect(**bare_address(self.server))


def bare_address(server: EmbeddedServer) -> dict[str, str]:
    """The server as asyncpg names it."""
    return {"host": str(server.socket_folder), "port": str(PORT), "database": server.database, "user": "okno"}


@contextlib.asynccontextmanager
async def open_ground() -> AsyncIterator[Ground]:
    """A fresh installation for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="okno-bench-") as name:
        folder = Path(name)
        # The embedded server's own account must be able to pass through.
        await asyncio.to_thread(folder.chmod, 0o711)
        with EmbeddedServer.use(folder / "postgres") as server:
            await asyncio.to_thread(migrate, server.url)
            database = Database(server.url)
            reference = await asyncio.to_thread(load_reference_data, CONFIG)
            async with database.unit() as unit:
                await sync_registry(
                    unit,
                    rubricator=reference.rubricator,
                    territories=reference.territories,
                    organisations=reference.organisations,
                    connected=Registry.load(CONFIG, variables={}).codes,
                )
            await database.close()
            yield Ground(folder, server)
        await asyncio.to_thread(server.wait_until_stopped)
