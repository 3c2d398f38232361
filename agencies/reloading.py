"""A registry that follows its files: what is mended or added works within seconds, without a restart.

Promises: a file that breaks never takes its agency down, the last good version goes on and the fault is told once; a
file that goes away is treated alike until the next start; only what changed is read again; an agency whose file did
not change keeps its very object, so that those who hold a connector for it know that it is still right.
"""

from __future__ import annotations

import asyncio
import logging
import pathlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from agencies.checking import check_agency_file
from agencies.profiles import used_files
from agencies.registry import ConnectedAgency, Environment, Registry
from agencies.source import Fault, FileFaults

LOOKED_AT_EVERY_S = 5.0
_MOST_DOCUMENTS = 300

log = logging.getLogger(__name__)

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """One file as it was last read."""

    stamp: _Stamp
    code: str | None
    faults: tuple[Fault, ...]
    profiles: tuple[pathlib.Path, ...]


class ReloadingRegistry(Registry):
    """A registry of `config/agencies/*.yaml` that `refresh` brings up to date. One thread at a time may refresh; everybody may read."""

    def __init__(
        self,
        config: pathlib.Path,
        *,
        environment: Environment = "sandbox",
        variables: Mapping[str, str] | None = None,
        categories: Collection[str] | None = None,
    ) -> None:
        """Reads every file. Never raises for a faulty one: look at `faults`."""
        super().__init__({}, (), environment, variables)
        self._folder = config / "agencies"
        self._categories = frozenset(categories) if categories is not None else None
        self._known: dict[pathlib.Path, _Known] = {}
        self.refresh()

    def refresh(self) -> tuple[str, ...]:
        """Read what changed since the last time; the codes of the agencies that are new or other than before."""
        known: dict[pathlib.Path, _Known] = {}
        agencies = dict(self._agencies)
        changed: list[str] = []
        for path in sorted({*self._folder.glob("*.yaml"), *self._known}):
            before = self._known.get(path)
            profiles = before.profiles if before is not None else ()
            stamp = _stamp(path, profiles)
            if before is not None and before.stamp == stamp:
                known[path] = before
                continue
            known[path], agency = self._read(path, before)
            if agency is not None:
                agencies[agency.code] = agency
                changed.append(agency.code)
        self._known = known
        # One assignment each: whoever reads meanwhile sees all of the old or all of the new.
        self._agencies = agencies
        self.faults = tuple(sorted({fault for one in known.values() for fault in one.faults}))
        return tuple(changed)

    def _read(self, path: pathlib.Path, before: _Known | None) -> tuple[_Known, ConnectedAgency | None]:
        try:
            source, file = check_agency_file(path, self._categories)
        except FileFaults as found:
            code = before.code if before is not None else None
            profiles = before.profiles if before is not None else tuple(_profiles_near(path))
            self._tell(path, code, found.faults)
            return _Known(_stamp(path, profiles), code, found.faults, profiles), None
        profiles = tuple(used_files(source))
        if before is not None:
            log.info("the file of %s is read anew", file.agency.code)
        return _Known(_stamp(path, profiles), file.agency.code, (), profiles), self._connected(source, file)

    def _tell(self, path: pathlib.Path, code: str | None, faults: Iterable[Fault]) -> None:
        for fault in faults:
            log.error("an agency file has a fault: %s", fault)
        if code is not None:
            log.error("%s goes on with the last good version of %s", code, path.name)


async def follow(registry: ReloadingRegistry, changed: Callable[[tuple[str, ...]], Awaitable[None]]) -> None:
    """Refresh every few seconds, until cancelled; `changed` is told which agencies are new or other than before."""
    while True:
        await asyncio.sleep(LOOKED_AT_EVERY_S)
        try:
            codes = await asyncio.to_thread(registry.refresh)
            if codes:
                await changed(codes)
        # One look that fails must not end the looking: the agencies go on as they are, and the next look is in seconds.
        except Exception:
            log.exception("the agency files could not be looked at")


def _stamp(path: pathlib.Path, profiles: Iterable[pathlib.Path]) -> _Stamp:
    """What tells that a file, its profile or the documents beside it changed."""
    documents = [path, *profiles, *_documents(path.with_suffix(""))]
    return tuple(_of_file(one) for one in documents)


def _documents(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    if folder.is_dir():
        yield from sorted(one for one in folder.rglob("*") if one.is_file())[:_MOST_DOCUMENTS]


def _of_file(path: pathlib.Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, -1
    return str(path), status.st_mtime_ns, status.st_size


def _profiles_near(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Any profile may be what a file is waiting for that could never be read yet."""
    yield from sorted((path.resolve().parent.parent / "systems").glob("*.yaml"))
