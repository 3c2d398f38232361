"""Microseconds of processor time for a mapping both ways; requests and replies for each second of a core, beside two others; checking many files.

`python -m bench adapter [--rounds N] [--count N] [--files N] [--json]`. One process and one thread: what is compared is processor time
and not speed, so the sides may share a process. Rounds alternate; a ratio is taken within a round. Envelopes and what is read from replies must agree
before anything is measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.adapter import Adapter
from agencies.registry import Registry
from bench.adapter.contestants import ByHand, Okno, PlainZeep, Side, must_agree
from bench.adapter.files import checked
from bench.adapter.material import MESSAGE, PAGE_ITEMS, case_values, create_reply, page_reply
from bench.figures import Figures, as_json, machine, median_ratio, medians, spread, table
from bench.ground import CONFIG
from connectors.base import Reply, Request, Tree
from connectors.soap.reply import read_envelope
from connectors.soap.wsdl import load_wsdl

ZEEP_AIM, BY_HAND_AIM, FILES_AIM_S = 3.0, 0.5, 60.0
"""Exchanges per core beside plain zeep; beside the template; processor seconds for ten thousand files."""
_WSDL = CONFIG / "agencies" / "city-roads" / "cases.wsdl"
_NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Size:
    """`count` exchanges in each round of each side; a page counts as `PAGE_ITEMS` replies, so fewer pages are read."""

    rounds: int = 9
    count: int = 400
    files: int = 10_000
    own_files: int = 400


def run(size: Size, *, json_wanted: bool = False) -> None:
    """Measure and print."""
    registry = Registry.load(CONFIG, variables={"HOUSING_WEBHOOK_SECRET": "bench"})
    roads, housing = registry.adapter("city-roads"), registry.adapter("housing-inspection")
    exchanges = _exchanges(roads, size)
    mappings = {**_soap_mappings(roads), **_rest_mappings(housing)}
    exchanged: dict[str, list[Figures]] = {name: [] for name in exchanges}
    mapped: dict[str, list[Figures]] = {name: [] for name in mappings}
    _round(exchanges, mappings, size)
    for _ in range(size.rounds):
        one, other = _round(exchanges, mappings, size)
        for name, figures in one.items():
            exchanged[name].append(figures)
        for name, figures in other.items():
            mapped[name].append(figures)
    files = {}
    if size.files:
        files = {"one product": checked(size.files, own=False), "each its own WSDL": checked(size.own_files, own=True)}
    _print(exchanged, mapped, files, size, json_wanted=json_wanted)


def _exchanges(roads: Adapter, size: Size) -> dict[str, Mapping[str, tuple[Work, int]]]:
    """What each side does, by name, and how often in a round."""
    case = case_values(roads.submit_call(MESSAGE).body)
    created, page = create_reply(), page_reply()
    sides: dict[str, Side] = {"okno": Okno(_WSDL), "plain zeep": PlainZeep(_WSDL), "by hand": ByHand(case)}
    must_agree(sides, case, created, page)
    pages = max(1, size.count // 20)

    def of(side: Side) -> Mapping[str, tuple[Work, int]]:
        return {
            "request_us": (lambda: side.request(case), size.count),
            "reply_us": (lambda: side.created(created), size.count),
            "page_us": (lambda: side.changes(page), pages),
        }

    return {name: of(side) for name, side in sides.items()}


def _soap_mappings(roads: Adapter) -> dict[str, Work]:
    operations = load_wsdl(_WSDL).operations
    reply = _reply(read_envelope(create_reply(), "text/xml", operations["CreateCase"]).tree)
    page = _reply(read_envelope(page_reply(), "text/xml", operations["GetChanges"]).tree)
    return {
        "SOAP: message to call": lambda: roads.submit_call(MESSAGE),
        "SOAP: reply to outcome": lambda: roads.read_submit(reply),
        f"SOAP: page of {PAGE_ITEMS} changes": lambda: roads.read_poll(page, None, _NOW),
    }


def _rest_mappings(housing: Adapter) -> dict[str, Work]:
    reply = _reply({"id": "HI-2026-000001", "external_id": MESSAGE.reference, "state": "new"}, 201)
    items: list[Tree] = [_rest_item(number) for number in range(PAGE_ITEMS)]
    page = _reply({"items": items, "next_cursor": "c50", "has_more": False})
    return {
        "REST: message to call": lambda: housing.submit_call(MESSAGE),
        "REST: reply to outcome": lambda: housing.read_submit(reply),
        f"REST: page of {PAGE_ITEMS} changes": lambda: housing.read_poll(page, None, _NOW),
    }


def _rest_item(number: int) -> dict[str, Tree]:
    answer: dict[str, Tree] = {"text": "Работы выполнены.", "decision": "done", "responsible": "Отдел содержания"}
    return {
        "event_id": f"EV-{number:08d}",
        "request_id": f"HI-2026-{number:06d}",
        "external_id": f"26-0001-{number:04d}-8",
        "state": "done" if number % 5 == 0 else "in_work",
        "changed_at": f"2026-03-02T06:{number:02d}:00.000Z",
        "comment": None,
        "answer": answer if number % 5 == 0 else None,
    }


def _reply(tree: Tree, status: int = 200) -> Reply:
    return Reply(status, {}, b"", tree, Request("POST", "http://127.0.0.1:1/", {}, b""))


def _round(
    exchanges: Mapping[str, Mapping[str, tuple[Work, int]]], mappings: Mapping[str, Work], size: Size
) -> tuple[dict[str, Figures], dict[str, Figures]]:
    exchanged: dict[str, Figures] = {name: {} for name in exchanges}
    for what in ("request_us", "reply_us", "page_us"):
        for name, works in exchanges.items():
            exchanged[name][what] = _each_us(*works[what])
    for figures in exchanged.values():
        figures["per_core_s"] = 1e6 / (figures["request_us"] + figures["reply_us"])
        figures["pages_per_core_s"] = 1e6 / figures["page_us"]
    pages = max(1, size.count // 20)
    mapped = {
        name: {"cpu_us": _each_us(work, pages if "page" in name else size.count)} for name, work in mappings.items()
    }
    return exchanged, mapped


def _each_us(work: Work, count: int) -> float:
    """Processor microseconds of one piece of work."""
    began_s = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - began_s) * 1e6 / count


def _print(
    exchanged: Mapping[str, list[Figures]],
    mapped: Mapping[str, list[Figures]],
    files: Mapping[str, Figures],
    size: Size,
    *,
    json_wanted: bool,
) -> None:
    ratios = {
        f"{what} beside {other}": (
            median_ratio(exchanged["okno"], exchanged[other], what),
            *spread(exchanged["okno"], exchanged[other], what),
        )
        for other in ("plain zeep", "by hand")
        for what in ("per_core_s", "pages_per_core_s")
    }
    rows = {name: medians(rounds) for name, rounds in exchanged.items()}
    mapping_rows = {name: medians(rounds) for name, rounds in mapped.items()}
    if json_wanted:
        aims = {"plain zeep": ZEEP_AIM, "by hand": BY_HAND_AIM, "files_s": FILES_AIM_S}
        document = {
            "comparison": "adapter",
            "machine": machine(),
            "rounds": size.rounds,
            "count": size.count,
            "aims": aims,
        }
        print(as_json({**document, "ratios": ratios, "medians": rows, "mapping": mapping_rows, "files": files}))
        return
    print(f"Envelopes and replies: {size.rounds} rounds of {size.count}, processor time, medians; {machine()}.\n")
    print(table(rows))
    for name, (ratio, least, most) in ratios.items():
        print(f"  {name}: {ratio:.2f} ({least:.2f} to {most:.2f})")
    print(f"  aims for exchanges: {ZEEP_AIM:g} beside plain zeep, {BY_HAND_AIM:g} beside the template by hand\n")
    print(table(mapping_rows))
    if files:
        print(f"\nChecking agency files (aim {FILES_AIM_S:g} s of processor time for 10 000):\n")
        print(table(files))


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and measure."""
    usual = Size()
    parser = argparse.ArgumentParser(prog="python -m bench adapter", description=__doc__)
    parser.add_argument("--rounds", type=int, default=usual.rounds)
    parser.add_argument("--count", type=int, default=usual.count, help="exchanges a round")
    parser.add_argument("--files", type=int, default=usual.files, help="agency files to check; 0 leaves that out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    run(Size(given.rounds, given.count, given.files), json_wanted=given.json)


if __name__ == "__main__":
    main()
