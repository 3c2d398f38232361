"""What a plan costs before it serves anybody: the time to compile one, and the memory it keeps."""

from __future__ import annotations

import gc
import os
import statistics
import time
import tracemalloc
from collections.abc import Iterator
from itertools import combinations, islice

from graphql import parse

from bench.read.operations import Ask, Operation
from bench.read.statements import Planner
from schema.extensions.known_documents import digest_of
from schema.plan.statement import PlanCache

_TIMES = 20
_DOCUMENTS = 500
_PIECES = (
    "id",
    "reference",
    "text",
    "status",
    "deadlineOn",
    "category { code name }",
    "organisation { code name territory { name } }",
    "history { kind toStatus at note }",
    "answers { id text verdict { answerRating solutionRating } }",
    "attachments { fileName sizeBytes }",
    "cases { caseId organisation { name } }",
    "deliveries { state since reason }",
)


async def compile_time(operation: Operation, planner: Planner) -> float:
    """Milliseconds from a parsed document to a plan with its first request bound: the median of some fresh ones."""
    document = parse(operation.text)
    taken = []
    for _ in range(_TIMES):
        never_seen = os.urandom(32)
        began_at = time.perf_counter()
        await planner.statement(document, never_seen, operation.asks[0])
        taken.append((time.perf_counter() - began_at) * 1000)
    return statistics.median(taken)


async def memory_of_plans() -> str:
    """What `_DOCUMENTS` different documents leave behind in memory, each: with the parsed document, and the plan alone."""
    planner, ask = Planner(), Ask({"reference": "26-0001-0000-0"}, 1)
    texts = different_documents(_DOCUMENTS + 1)
    await planner.statement(parse(texts[0]), digest_of(texts[0]), ask)
    gc.collect()
    tracemalloc.start()
    for text in texts[1:]:
        await planner.statement(parse(text), digest_of(text), ask)
    gc.collect()
    whole = tracemalloc.get_traced_memory()[0]
    before = planner.schema.plans.plan_cache_info()
    planner.schema.plans.cache = PlanCache()
    gc.collect()
    plans = whole - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    each = f"{whole / _DOCUMENTS / 1024:.1f} KB with the parsed document, {plans / _DOCUMENTS / 1024:.1f} KB the plan alone"
    return f"{_DOCUMENTS} documents of {_mean_chars(texts):.0f} characters: {each}; the cache says {before}."


def _mean_chars(texts: list[str]) -> float:
    return statistics.mean(len(text) for text in texts)


def different_documents(count: int) -> list[str]:
    """Documents that differ in what they ask of a message, from a few parts of it to all."""
    return list(islice(_documents(), count))


def _documents() -> Iterator[str]:
    for size in range(3, len(_PIECES) + 1):
        for chosen in combinations(_PIECES, size):
            yield f"query One($reference: String!) {{ message(reference: $reference) {{ {' '.join(chosen)} }} }}"
