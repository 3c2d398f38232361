"""Compiled plans: the text of one statement, what each request binds, and which requests it serves. And the memory that keeps them.

Promises: a plan holds text, binds and constants only, no document and no expression; plans are found again by where they were made for (document,
operation, audience), the least recently used falling out, and are bounded by number and by the length of their SQL.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Select
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.exc import CompileError

from schema.faults import Fault
from schema.plan.compiler import FAULT_KEY
from schema.plan.values import NO_REQUEST, Bind, Faulty, Openings, Question, Unproven, Values, ask, is_fixed
from store.reading import ReadPool, ReadStatement, read_statement
from store.tables import Base

_MOST_SHAPES = 16
"""Plans of one place that differ in what they have seen."""
_MOST_PLANS = 4_000
_MOST_CHARS = 64_000_000

_WORD = re.compile(r"\w+")

_PSYCOPG: Any = psycopg.dialect

Write = Callable[[Openings], "Select[Any] | dict[str, object]"]
"""Compiles something: to a statement, or to its answer where that needs no row. Raises Unproven."""


class _WithConstants(_PSYCOPG.statement_compiler):  # type: ignore[misc]  # the class is an attribute of the dialect
    """Writes the compiler's own constants into the text: only what a request brings is a parameter."""

    def visit_bindparam(self, bindparam: BindParameter[Any], **how: Any) -> str:  # noqa: ANN401 - as the overridden method
        if bindparam.value is not None:
            # A constant that SQL has no word for stays a parameter.
            with contextlib.suppress(CompileError, NotImplementedError):
                return str(super().visit_bindparam(bindparam, **(how | {"literal_binds": True})))
        return str(super().visit_bindparam(bindparam, **how))


_DIALECT = _PSYCOPG()
_DIALECT.statement_compiler = _WithConstants


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, or an answer that needs none."""

    statement: ReadStatement | None
    settled: bytes
    constants: Mapping[str, Any]
    binds: tuple[tuple[str, Bind], ...]
    seen: tuple[tuple[Question, Hashable], ...]
    faults: tuple[Faulty, ...]
    passes: bool
    """Whether the bytes are the answer as the executor would give it."""

    @property
    def tables(self) -> frozenset[str]:
        """The tables that the statement may read: every one whose name stands in it, were it only as a key."""
        words = frozenset() if self.statement is None else frozenset(_WORD.findall(self.statement.text.decode()))
        return words & Base.metadata.tables.keys()

    def serves(self, values: Values) -> bool:
        return all(ask(question, values) == answer for question, answer in self.seen)

    def bind(self, values: Values) -> dict[str, Any]:
        """The parameters of one run. Raises Fault for a value that no plan without that fault has."""
        parameters = {**self.constants, **values.viewer}
        for name, bind in self.binds:
            parameters[name] = bind(values)
        return parameters

    async def run(self, pool: ReadPool, parameters: Mapping[str, Any]) -> bytes | None:
        """The JSON; None for null."""
        if self.statement is None:
            return self.settled
        return await pool.json_text(self.statement, parameters)

    def read(self, text: bytes) -> Any:  # noqa: ANN401 - any JSON
        """The JSON as Python has it, with a fault in place of each field whose arguments are wrong."""
        if not self.faults:
            return json.loads(text)

        def mend(found: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
            number = found.get(FAULT_KEY)
            return found if number is None else self.faults[number].fault()

        return json.loads(text, object_hook=mend)


def make_plan(values: Values, write: Write, *, may_pass: bool = True) -> Plan:
    """Compile for requests that look like this one: for bytes that pass if they may and can, else for graphql-core to finish."""
    if may_pass:
        openings = Openings(values, finishing=False)
        try:
            return _plan(write(openings), openings)
        except Unproven:
            pass
    openings = Openings(values)
    return _plan(write(openings), openings)


def _plan(written: Select[Any] | dict[str, object], openings: Openings) -> Plan:
    # What the document itself answers is answered once, and not for every request again.
    seen = tuple(one for one in openings.seen if not is_fixed(one[0]))
    faults = tuple(openings.faults)
    if isinstance(written, dict):
        settled = json.dumps(written, separators=(",", ":")).encode()
        return Plan(None, settled, {}, (), seen, faults, not openings.finishing)
    compiled = written.compile(dialect=_DIALECT)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    constants |= {name: bind(NO_REQUEST) for name, bind in openings.binds.items() if is_fixed(bind)}
    binds = tuple(one for one in openings.binds.items() if one[0] not in constants)
    statement = read_statement(str(compiled))
    return Plan(statement, b"", constants, binds, seen, faults, not openings.finishing)


@dataclass(slots=True)
class PlanCacheInfo:
    """How the memory of plans does."""

    plans: int = 0
    sql_chars: int = 0
    hits: int = 0
    misses: int = 0
    compile_s: float = 0.0


@dataclass(slots=True)
class PlanCache:
    """Plans by the place they were made for."""

    most_plans: int = _MOST_PLANS
    most_chars: int = _MOST_CHARS
    info: PlanCacheInfo = field(default_factory=PlanCacheInfo)
    _shapes: OrderedDict[Hashable, list[Plan]] = field(default_factory=OrderedDict)

    def plan(self, place: Hashable, values: Values, make: Callable[[], Plan]) -> tuple[Plan, dict[str, Any]]:
        """The plan that serves a request, made if there is none, and the parameters of this run."""
        shapes = self._shapes.get(place)
        if shapes is None:
            shapes = self._shapes[place] = []
        else:
            self._shapes.move_to_end(place)
        for plan in shapes:
            if plan.serves(values):
                try:
                    parameters = plan.bind(values)
                except Fault:
                    continue  # a plan of the same shape without this fault; the one with it comes later or is made
                self.info.hits += 1
                return plan, parameters
        began = time.perf_counter()
        plan = make()
        self.info.misses += 1
        self.info.compile_s += time.perf_counter() - began
        shapes.insert(0, plan)
        self._counted(plan, 1)
        while len(shapes) > _MOST_SHAPES:
            self._counted(shapes.pop(), -1)
        while self.info.plans > self.most_plans or self.info.sql_chars > self.most_chars:
            _, forgotten = self._shapes.popitem(last=False)
            for one in forgotten:
                self._counted(one, -1)
        return plan, plan.bind(values)

    def _counted(self, plan: Plan, times: int) -> None:
        self.info.plans += times
        self.info.sql_chars += times * (len(plan.settled) if plan.statement is None else len(plan.statement.text))
