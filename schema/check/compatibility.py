"""Breaking changes of the schema, and which documents in use they touch.

Promises: a breaking change that touches a document is an error at the document's line, with a way out; one that touches none is a note, so that
nobody overlooks clients whose documents we do not have.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from graphql import BreakingChange, BreakingChangeType, GraphQLSchema, GraphQLSyntaxError, find_breaking_changes

from schema.check.documents import Document
from schema.check.finding import Finding, Severity
from schema.check.uses import CONDITION, uses_of

_COORDINATE = re.compile(r"@?[_A-Za-z]\w*(?:\.\w+)?(?:\(\w+:\))?")

_KEEP = (
    "Keep the old beside the new, mark it deprecated with a date, change the documents, and remove it after the date."
)
_REMEDIES: Mapping[BreakingChangeType, str] = {
    BreakingChangeType.REQUIRED_ARG_ADDED: "Give the argument a default, so that documents without it stay valid.",
    BreakingChangeType.REQUIRED_INPUT_FIELD_ADDED: "Give the field a default, so that inputs without it stay valid.",
    BreakingChangeType.FIELD_CHANGED_KIND: "Add a field of the new type under another name, and mark this one deprecated with a date.",
    BreakingChangeType.ARG_CHANGED_KIND: "Accept the old type too, or add an argument of another name and mark this one deprecated.",
}


def breaking_changes(old: GraphQLSchema, new: GraphQLSchema, documents: Iterable[Document]) -> list[Finding]:
    """Errors at the documents that a breaking change touches, and notes of those that touch none."""
    places = _places(old, documents)
    return [finding for change in find_breaking_changes(old, new) for finding in _findings(change, old, places)]


def _places(old: GraphQLSchema, documents: Iterable[Document]) -> Mapping[str, list[str]]:
    """Where each coordinate of the old schema is used. What does not parse is told elsewhere."""
    places: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        try:
            uses = uses_of(old, document)
        except GraphQLSyntaxError:
            continue
        for use in uses:
            if use.place not in places[use.coordinate]:
                places[use.coordinate].append(use.place)
    return places


def _findings(change: BreakingChange, old: GraphQLSchema, places: Mapping[str, list[str]]) -> list[Finding]:
    touched = sorted({place for coordinate in _touches(change, old) for place in places.get(coordinate, [])})
    if not touched:
        return [Finding(Severity.NOTE, None, f"{change.description} It breaks no document we know of.")]
    remedy = _REMEDIES.get(change.type, _KEEP)
    return [Finding(Severity.ERROR, place, f"{change.description} {remedy}") for place in touched]


def _touches(change: BreakingChange, old: GraphQLSchema) -> list[str]:
    """The coordinates whose users a change breaks. graphql-core names them in the change's description and nowhere else."""
    words = _COORDINATE.findall(change.description)
    named = [word for word in words if "." in word or word.startswith("@") or word in old.type_map]
    subject = next((word for word in named if "." in word or word.startswith("@")), named[0] if named else "")
    match change.type:
        case BreakingChangeType.REQUIRED_ARG_ADDED | BreakingChangeType.REQUIRED_DIRECTIVE_ARG_ADDED:
            return [subject.partition("(")[0]]
        case BreakingChangeType.REQUIRED_INPUT_FIELD_ADDED:
            return [subject.partition(".")[0]]
        case BreakingChangeType.TYPE_REMOVED_FROM_UNION | BreakingChangeType.IMPLEMENTED_INTERFACE_REMOVED:
            return [f"{CONDITION}{name}" for name in named]
    return [subject]
