"""An executor of reads that shares nothing with the plan: rows in memory, one Python rule per field, graphql-core on top.

It is slow and plain on purpose. What it knows about who may see what is written here once more, by hand, so that a mistake in the plan's rules
cannot hide in the comparison. Moments are compared as PostgreSQL writes them into JSON, which in one zone sorts like the moments themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
)
from sqlalchemy import text

from domain.delivery import DeliveryState
from domain.reference import read_reference
from domain.rights import RIGHTS, Right
from domain.viewer import Viewer
from schema.delivery import REASONS as DELIVERY_REASONS
from store.unit import Database
from tests.properties.filters import chosen, groups, order_of, organisations, territories
from tests.properties.rows import (
    BY_CODE,
    CURSOR,
    NEWEST_OBSERVED,
    Cursor,
    Edge,
    Order,
    Page,
    Refused,
    Row,
    Thing,
    global_id,
    read_global_id,
)

TABLES = {
    "Message": "message",
    "Event": "event",
    "Attachment": "attachment",
    "Delivery": "delivery",
    "Case": "agency_case",
    "Answer": "answer",
    "Verdict": "verdict",
    "Person": "person",
    "Organisation": "organisation",
    "Territory": "territory",
    "Category": "category",
}
KEYS = {"Organisation": "code", "Territory": "code", "Category": "code"}


class Snapshot:
    """All rows, as they are now."""

    def __init__(self, rows: Mapping[str, list[Row]]) -> None:
        self.rows = rows
        self._by_key = {kind: {str(row[KEYS.get(kind, "id")]): row for row in some} for kind, some in rows.items()}

    @classmethod
    async def of(cls, database: Database) -> Snapshot:
        rows: dict[str, list[Row]] = {}
        async with database.reader() as connection:
            for kind, table in TABLES.items():
                found = await connection.execute(text(f"SELECT to_jsonb(t) FROM {table} AS t"))
                rows[kind] = [row for (row,) in found]
        return cls(rows)

    def one(self, kind: str, key: object) -> Row | None:
        return None if key is None else self._by_key[kind].get(str(key))

    def where(self, kind: str, column: str, value: object) -> list[Row]:
        return [row for row in self.rows[kind] if row[column] == value]

    def above(self, kind: str, code: str) -> set[str]:
        """The codes of a node and of everything above it."""
        found: set[str] = set()
        row = self.one(kind, code)
        while row is not None:
            found.add(row["code"])
            row = self.one(kind, row["parent_code"])
        return found


class Executor:
    """Answers documents for one viewer."""

    def __init__(
        self, sdl: str, snapshot: Snapshot, viewer: Viewer | None, cursors: Mapping[str, Cursor] | None = None
    ) -> None:
        self._schema: GraphQLSchema = build_schema(sdl)
        self.snapshot = snapshot
        self.viewer = viewer
        self.cursors = cursors or {}

    def run(self, document: str, variables: Mapping[str, Any] | None = None) -> ExecutionResult:
        return execute_sync(
            self._schema,
            parse(document, max_tokens=None),
            root_value=Thing("Query", {}),
            variable_values=dict(variables or {}),
            field_resolver=self._resolve,
            type_resolver=lambda thing, *_: thing.kind,
        )

    def _resolve(self, source: Thing | Page | Edge, info: GraphQLResolveInfo[None], **arguments: Any) -> Any:
        kind = info.parent_type.name
        rule = RULES.get((kind, info.field_name))
        if rule is not None:
            return rule(self, source, arguments)
        if isinstance(source, Page | Edge):
            return _of_page(self, kind, info.field_name, source)
        if isinstance(source, Thing):
            if info.field_name == "id":
                return global_id(kind, str(source.row[KEYS.get(kind, "id")]))
            return source.row[_snake(info.field_name)]
        raise LookupError(f"no rule for {kind}.{info.field_name}")

    # Who may see what

    def holds(self, right: Right, organisation: str | None) -> bool:
        if self.viewer is None or organisation is None:
            return False
        above = self.snapshot.above("Organisation", organisation)
        return any(right in RIGHTS[grant.role] and grant.organisation in above for grant in self.viewer.grants)

    def is_own(self, row: Row) -> bool:
        return self.viewer is not None and row["person_id"] == str(self.viewer.person_id)

    def sees(self, kind: str, row: Row) -> bool:
        if kind in KEYS:
            return True
        if kind == "Message":
            return self.is_own(row) or self.holds(Right.MESSAGES, row["organisation_code"])
        if kind == "Person":
            own = self.viewer is not None and row["id"] == str(self.viewer.person_id)
            wrote = self.snapshot.where("Message", "person_id", row["id"])
            return own or any(self.holds(Right.AUTHORS, message["organisation_code"]) for message in wrote)
        if kind == "Verdict":
            answer = self.snapshot.one("Answer", row["answer_id"])
            return self.is_own(row) or (answer is not None and self.sees("Answer", answer))
        message = self.snapshot.one("Message", row["message_id"])
        return (kind == "Attachment" and self.is_own(row)) or (message is not None and self.sees("Message", message))

    # Reaching rows

    def thing(self, kind: str, row: Row | None) -> Thing | None:
        return None if row is None or not self.sees(kind, row) else Thing(kind, row)

    def by_key(self, kind: str, key: object) -> Thing | None:
        return self.thing(kind, self.snapshot.one(kind, key))

    def linked(self, kind: str, column: str, value: object, order: str) -> list[Thing]:
        """The visible rows of a type whose column has the value, in order."""
        rows = sorted(self.snapshot.where(kind, column, value), key=lambda row: row[order])
        return [Thing(kind, row) for row in rows if self.sees(kind, row)]

    def page(self, kind: str, rows: Iterable[Row], arguments: Mapping[str, Any], order: Order) -> Page:
        """One page of the visible rows."""
        first, last, after, before = (arguments.get(name) for name in ("first", "last", "after", "before"))
        if (first is not None and last is not None) or any(
            size is not None and not 1 <= size <= 100 for size in (first, last)
        ):
            raise Refused("BAD_REQUEST")
        every = order.sorted(row for row in rows if self.sees(kind, row))
        bounds = {"after": self._bound(kind, after, order), "before": self._bound(kind, before, order)}
        left = [
            row
            for row in every
            if (bounds["after"] is None or order.compare(bounds["after"], row) < 0)
            and (bounds["before"] is None or order.compare(row, bounds["before"]) < 0)
        ]
        size = last or first or 20
        rest = len(left) > size
        if last is None:
            return Page(kind, every, left[:size], order, more_after=rest, more_before=after is not None)
        return Page(kind, every, left[-size:], order, more_after=before is not None, more_before=rest)

    def _bound(self, kind: str, text: str | None, order: Order) -> Row | None:
        if text is None:
            return None
        cursor = self.cursors.get(text)
        row = None if cursor is None or cursor.order != order.name else self.snapshot.one(kind, cursor.key)
        if row is None:
            raise Refused("BAD_REQUEST")
        return row


def _of_page(executor: Executor, kind: str, field: str, source: Page | Edge) -> Any:
    """The fields of connections, edges and page infos."""
    if isinstance(source, Edge):
        return CURSOR if field == "cursor" else Thing(source.page.kind, source.row)
    answers: dict[str, Callable[[], Any]] = {
        "pageInfo": lambda: source,
        "nodes": lambda: [Thing(source.kind, row) for row in source.rows],
        "edges": lambda: [Edge(source, row) for row in source.rows],
        "hasNextPage": lambda: source.more_after,
        "hasPreviousPage": lambda: source.more_before,
        "startCursor": lambda: CURSOR if source.rows else None,
        "endCursor": lambda: CURSOR if source.rows else None,
        "totalCount": lambda: len(source.all),
        "totalCountIsExact": lambda: True,
    }
    return answers[field]()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)


Rule = Callable[[Executor, Any, Mapping[str, Any]], Any]


def _words(prefix: str) -> Rule:
    return lambda _, thing, arguments: thing.row[f"{prefix}_{arguments['language'].lower()}"]


def _link(kind: str, column: str) -> Rule:
    return lambda executor, thing, _: executor.by_key(kind, thing.row[column])


def _of_message(kind: str, order: str) -> Rule:
    def rule(executor: Executor, thing: Thing, arguments: Mapping[str, Any]) -> list[Thing]:
        rows = executor.linked(kind, "message_id", thing.row["id"], order)
        last = arguments.get("last")
        if last is not None and not 1 <= last <= 100:
            raise Refused("BAD_REQUEST")
        return rows if last is None else rows[-last:]

    return rule


def _capitals(column: str) -> Rule:
    return lambda _, thing, __: thing.row[column].upper().replace("-", "_")


def _renamed(column: str) -> Rule:
    return lambda _, thing, __: thing.row[column]


def _same_row(kind: str, *columns: str) -> Rule:
    """Another object made of the same row; null when all the columns are."""
    return lambda _, thing, __: Thing(kind, thing.row) if any(thing.row[name] is not None for name in columns) else None


def _node(executor: Executor, _: object, arguments: Mapping[str, Any]) -> Thing | None:
    found = read_global_id(arguments["id"])
    if found is None or found[0] not in NODES:
        return None
    return executor.by_key(*found)


def _message(executor: Executor, _: object, arguments: Mapping[str, Any]) -> Thing | None:
    rows = executor.snapshot.where("Message", "reference", read_reference(arguments["reference"]))
    return executor.thing("Message", rows[0] if rows else None)


def _organisation(executor: Executor, _: object, arguments: Mapping[str, Any]) -> Thing | None:
    if "\x00" in arguments["code"]:
        raise Refused("BAD_REQUEST")
    return executor.by_key("Organisation", arguments["code"])


def _organisations(executor: Executor, _: object, arguments: Mapping[str, Any]) -> Page:
    rows = [row for row in executor.snapshot.rows["Organisation"] if not row["retired"]]
    return executor.page("Organisation", organisations(executor, rows, arguments.get("filter")), arguments, BY_CODE)


def _territories(executor: Executor, _: object, arguments: Mapping[str, Any]) -> Page:
    rows = territories(executor, executor.snapshot.rows["Territory"], arguments.get("filter"))
    return executor.page("Territory", rows, arguments, BY_CODE)


def _categories(executor: Executor, _: object, __: Mapping[str, Any]) -> list[Thing]:
    rows = [row for row in executor.snapshot.where("Category", "parent_code", None) if not row["retired"]]
    return [Thing("Category", row) for row in sorted(rows, key=lambda row: row["position"])]


def _children(executor: Executor, thing: Thing, _: Mapping[str, Any]) -> list[Thing]:
    return [
        one
        for one in executor.linked("Category", "parent_code", thing.row["code"], "position")
        if not one.row["retired"]
    ]


def _messages(which: Callable[[Executor, Thing, Row], bool]) -> Rule:
    """A list of messages with its filter and its order."""

    def rule(executor: Executor, thing: Thing, arguments: Mapping[str, Any]) -> Page:
        order = order_of(executor, arguments.get("orderBy"))
        rows = [row for row in executor.snapshot.rows["Message"] if which(executor, thing, row)]
        return executor.page("Message", chosen(executor, rows, arguments.get("filter")), arguments, order)

    return rule


def _answers(executor: Executor, thing: Thing, arguments: Mapping[str, Any]) -> Page:
    rows = executor.snapshot.where("Answer", "organisation_code", thing.row["code"])
    return executor.page("Answer", rows, arguments, NEWEST_OBSERVED)


def _organisations_below(executor: Executor, thing: Thing, arguments: Mapping[str, Any]) -> Page:
    rows = executor.snapshot.where("Organisation", "parent_code", thing.row["code"])
    return executor.page("Organisation", [row for row in rows if not row["retired"]], arguments, BY_CODE)


def _author(executor: Executor, thing: Thing, _: Mapping[str, Any]) -> Thing | None:
    knows = executor.is_own(thing.row) or executor.holds(Right.AUTHORS, thing.row["organisation_code"])
    return executor.by_key("Person", thing.row["person_id"]) if knows else None


def _of_group(by: str, kind: str | None = None) -> Rule:
    def rule(executor: Executor, thing: Thing, _: Mapping[str, Any]) -> Any:
        value = thing.row["value"] if thing.row["by"] == by else None
        return value if kind is None else executor.by_key(kind, value)

    return rule


def _verdict(executor: Executor, thing: Thing, _: Mapping[str, Any]) -> Thing | None:
    rows = executor.snapshot.where("Verdict", "answer_id", thing.row["id"])
    return executor.thing("Verdict", rows[0] if rows else None)


def _delivery_reason(_: Executor, thing: Thing, arguments: Mapping[str, Any]) -> str:
    return getattr(DELIVERY_REASONS[DeliveryState(thing.row["state"])], arguments["language"].lower())  # type: ignore[no-any-return]


NODES = {"Message", "Answer", "Attachment", "Case", "Delivery", "Organisation", "Category", "Territory", "Person"}
"""What an id can name."""

RULES: dict[tuple[str, str], Rule] = {
    ("Query", "message"): _message,
    ("Query", "node"): _node,
    ("Query", "viewer"): lambda executor, *_: None if executor.viewer is None else Thing("Viewer", {}),
    ("Query", "organisations"): _organisations,
    ("Query", "territories"): _territories,
    ("Query", "territory"): lambda executor, _, arguments: executor.by_key("Territory", arguments["code"]),
    ("Query", "organisation"): _organisation,
    ("Query", "categories"): _categories,
    ("Query", "messages"): _messages(lambda *_: True),
    ("Viewer", "messages"): _messages(lambda executor, _, row: executor.is_own(row)),
    ("Organisation", "messages"): _messages(lambda _, thing, row: row["organisation_code"] == thing.row["code"]),
    ("Organisation", "answers"): _answers,
    ("Organisation", "children"): _organisations_below,
    ("MessageConnection", "groups"): groups,
    ("MessageGroup", "status"): _of_group("STATUS"),
    ("MessageGroup", "category"): _of_group("CATEGORY", "Category"),
    ("MessageGroup", "territory"): _of_group("TERRITORY", "Territory"),
    ("MessageGroup", "organisation"): _of_group("ORGANISATION", "Organisation"),
    ("MessageGroup", "month"): _of_group("MONTH"),
    ("Message", "author"): _author,
    ("Message", "category"): _link("Category", "category_code"),
    ("Message", "organisation"): _link("Organisation", "organisation_code"),
    ("Message", "place"): _same_row("Place", "latitude", "address", "territory_code"),
    ("Message", "route"): _same_row("Route", "route_rule"),
    ("Message", "history"): _of_message("Event", "id"),
    ("Message", "answers"): _of_message("Answer", "version"),
    ("Message", "attachments"): _of_message("Attachment", "position"),
    ("Message", "cases"): _of_message("Case", "id"),
    ("Message", "deliveries"): _of_message("Delivery", "position"),
    ("Place", "point"): _same_row("Point", "latitude"),
    ("Place", "territory"): _link("Territory", "territory_code"),
    ("Point", "accuracy"): _renamed("accuracy_m"),
    ("Point", "source"): _renamed("place_source"),
    ("Route", "rule"): _renamed("route_rule"),
    ("Route", "reason"): _words("route_reason"),
    ("Route", "warning"): _words("route_warning"),
    ("Event", "at"): _renamed("observed_at"),
    ("Event", "note"): lambda _, thing, __: thing.row["note"] if thing.row["note_is_public"] else None,
    ("Event", "organisation"): _link("Organisation", "organisation_code"),
    ("Answer", "organisation"): _link("Organisation", "organisation_code"),
    ("Answer", "verdict"): _verdict,
    ("Case", "organisation"): _link("Organisation", "organisation_code"),
    ("Delivery", "organisation"): _link("Organisation", "organisation_code"),
    ("Delivery", "since"): lambda _, thing, __: (
        thing.row["finished_at"] or thing.row["waits_since"] or thing.row["created_at"]
    ),
    ("Delivery", "reason"): _delivery_reason,
    ("Organisation", "name"): _words("name"),
    ("Organisation", "kind"): _capitals("kind"),
    ("Organisation", "level"): _capitals("level"),
    ("Organisation", "parent"): _link("Organisation", "parent_code"),
    ("Organisation", "territory"): _link("Territory", "territory_code"),
    ("Category", "name"): _words("name"),
    ("Category", "parent"): _link("Category", "parent_code"),
    ("Category", "children"): _children,
    ("Territory", "name"): _words("name"),
    ("Territory", "kind"): _capitals("kind"),
    ("Territory", "parent"): _link("Territory", "parent_code"),
}
