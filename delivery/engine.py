"""The seam to the job engine: the only file that knows Procrastinate.

One job carries a slice of due turns, never one message. Claiming turns and deferring their job happen in one transaction, so a job exists for every
claim or for none. The schedule rows are the truth: a job that starts too late finds its epoch gone and does nothing, and a job whose worker died is
swept away without being run again, because the turns in it come due again by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import procrastinate
import procrastinate.exceptions
import psycopg
import psycopg_pool
from procrastinate import jobs as engine_jobs
from procrastinate.types import JSONValue
from sqlalchemy.exc import SQLAlchemyError

from delivery.blame import where
from store import turns
from store.relay import WORK_CHANNEL
from store.statistics import folding
from store.turns import Claim
from store.unit import Database, Unit, libpq_address

SLICE = 10
"""Turns in one job."""
_LONGEST_NAP_S = 1.0
_TASK = "run_turns"

log = logging.getLogger(__name__)

RunTurn = Callable[[Claim], Awaitable[None]]
Sweep = Callable[[Unit], Awaitable[None]]


class Engine:
    """Plans due turns and runs them. `turns_at_once` bounds how many turns of this process run together."""

    def __init__(self, database: Database, run_turn: RunTurn, sweep: Sweep, *, jobs_at_once: int = 4) -> None:
        self._database = database
        self._run_turn = run_turn
        self._sweep = sweep
        self._jobs_at_once = jobs_at_once
        self._address = libpq_address(database.url)
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=self._address, min_size=1, max_size=jobs_at_once + 2)
        )
        self._task = self._app.task(name=_TASK, queue="turns", pass_context=False)(self._run_slice)
        self._app.periodic(cron="* * * * * */5")(
            self._app.task(name="sweep", queue="turns", pass_context=False)(self._sweep_once)
        )
        self._app.periodic(cron="* * * * * */10")(
            self._app.task(name="fold_statistics", queue="turns", pass_context=False)(self._fold_once)
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set, then finish the turns under way. A database that goes away is waited for."""
        planner = asyncio.create_task(self._plan(stopping), name="planner")
        try:
            while not stopping.is_set():
                try:
                    await self._run_jobs(stopping)
                except (
                    procrastinate.exceptions.ConnectorException,
                    psycopg.OperationalError,
                    psycopg_pool.PoolTimeout,
                ):
                    log.warning("the job engine lost the database; it starts again")
                    await asyncio.sleep(_LONGEST_NAP_S)
        finally:
            planner.cancel()
            await asyncio.gather(planner, return_exceptions=True)

    async def _run_jobs(self, stopping: asyncio.Event) -> None:
        """One life of the engine's worker: it ends when `stopping` is set, or raises when the database goes away."""
        async with self._app.open_async():
            worker = asyncio.create_task(
                self._app.run_worker_async(
                    queues=["turns"],
                    concurrency=self._jobs_at_once,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=1.0,
                    delete_jobs="always",
                ),
                name="job engine",
            )
            ending = asyncio.create_task(stopping.wait(), name="waiting for the end")
            try:
                await asyncio.wait({worker, ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ending.cancel()
                # Cancelling the engine's worker lets its jobs finish: turns see `stopping` and end soon.
                worker.cancel()
                ended = await asyncio.gather(worker, ending, return_exceptions=True)
            if isinstance(ended[0], Exception):
                raise ended[0]
            if not stopping.is_set():
                # The engine ends quietly when one of its own tasks failed.
                await asyncio.sleep(_LONGEST_NAP_S)

    async def _plan(self, stopping: asyncio.Event) -> None:
        """Claim what is due whenever somebody says so, and at least once a second."""
        while not stopping.is_set():
            with contextlib.suppress(psycopg.OperationalError):
                async with await psycopg.AsyncConnection.connect(self._address, autocommit=True) as listener:
                    await listener.execute(f"LISTEN {WORK_CHANNEL}")
                    while not stopping.is_set():
                        if not await self._claim_and_defer():
                            async for _ in listener.notifies(timeout=_LONGEST_NAP_S, stop_after=1):
                                pass
            await asyncio.sleep(_LONGEST_NAP_S)

    async def _claim_and_defer(self) -> bool:
        """Whether there may be more to claim."""
        try:
            async with self._database.unit() as unit:
                claims = await turns.claim_due(unit, SLICE)
                if claims:
                    await self._defer(unit, claims)
        except SQLAlchemyError as error:
            log.warning("the planner cannot reach the database: %s", type(error).__name__)
            await asyncio.sleep(_LONGEST_NAP_S)
            return False
        return len(claims) == SLICE

    async def _defer(self, unit: Unit, claims: Sequence[Claim]) -> None:
        raw = await unit.connection.get_raw_connection()
        slice_of_turns: list[JSONValue] = [[claim.organisation_code, claim.epoch] for claim in claims]
        await self._task.configure(connection=raw.driver_connection).defer_async(slice_of_turns=slice_of_turns)

    async def _run_slice(self, slice_of_turns: list[list[Any]]) -> None:
        claims = [Claim(str(code), int(epoch)) for code, epoch in slice_of_turns]
        results = await asyncio.gather(*(self._run_turn(claim) for claim in claims), return_exceptions=True)
        for claim, result in zip(claims, results, strict=True):
            if isinstance(result, BaseException):
                # The turn's lease runs out and it comes again; the other turns of the slice are not its business.
                log.error("the turn of %s failed: %s", claim.organisation_code, where(result))

    async def _fold_once(self, timestamp: int) -> None:
        """Bring the read models up to date. Counts are right without it, only dearer to read."""
        folded = folding.MOST_AT_ONCE
        while folded == folding.MOST_AT_ONCE:
            async with self._database.unit() as unit:
                folded = await folding.fold(unit)

    async def _sweep_once(self, timestamp: int) -> None:
        async with self._database.unit() as unit:
            await self._sweep(unit)
        for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=60):
            await self._app.job_manager.finish_job(job, engine_jobs.Status.FAILED, delete_job=True)
