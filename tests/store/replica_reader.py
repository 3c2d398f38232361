"""Another process of an installation: `python -m tests.store.replica_reader DATABASE_URL READ_URL SQL` reads for whom standard input says.

Each line is a person's key and the place their client brings back, `-` for none; each answer is one line.
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from store.replicas import Replica
from store.unit import Database


async def main(url: str, read_url: str, statement: str) -> None:
    database = Database(url, read_urls=[read_url])
    await database.open()
    for _ in range(1000):
        if isinstance(database.reads_for(None), Replica):
            break
        await asyncio.sleep(0.02)
    print("ready", flush=True)  # noqa: T201 - printing is what this program is for
    while line := await asyncio.to_thread(sys.stdin.readline):
        person, seen = line.split()
        pool = database.reads_for(UUID(person), None if seen == "-" else seen)
        answer = await pool.json_text(statement, {})
        print((answer or b"nothing").decode(), flush=True)  # noqa: T201 - printing is what this program is for
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
