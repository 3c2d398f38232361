"""Breaking changes are told where they hurt: at the line of the document that they touch."""

from __future__ import annotations

import pytest
from graphql import build_schema

from schema.check.compatibility import breaking_changes
from schema.check.documents import Document
from schema.check.finding import Severity

OLD = """
directive @shout(loudly: Boolean) on FIELD
interface Node { id: ID! }
type Message implements Node { id: ID!  text: String!  status(language: Language): Status  author: Author  route: Route }
type Author { name: String }
type Route { rule: String }
union Found = Message | Author
enum Status { OPEN CLOSED }
enum Language { RU EN }
input Form { text: String  language: Language  more: Inner }
input Inner { note: String }
type Query { message(reference: String): Message  found: [Found!]  node: Node }
type Mutation { submit(form: Form!): Message }
"""

DOCUMENT = """# What a portal asks.
query One($reference: String) {
  message(reference: $reference) {
    text
    status(language: RU)
    author @shout { name }
  }
  found {
    ... on Author { name }
  }
}
mutation Send($form: Form!) {
  submit(form: $form) { id }
}
"""


def touched(old_part: str, new_part: str, text: str = DOCUMENT) -> list[str | None]:
    """The places of the errors when a part of the schema is replaced; every finding must be an error."""
    assert OLD.count(old_part) == 1
    new = OLD.replace(old_part, new_part)
    findings = breaking_changes(build_schema(OLD), build_schema(new), [Document("one.graphql", text)])
    assert findings != []
    return [finding.place for finding in findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("old_part", "new_part", "line"),
    [
        ("text: String!  status", "status", 4),
        ("text: String!  status", "text: String  status", 4),
        ("status(language: Language)", "status", 5),
        ("status(language: Language)", "status(language: Language, short: Boolean!)", 5),
        ("enum Language { RU EN }", "enum Language { EN }", 5),
        ("directive @shout(loudly: Boolean) on FIELD", "", 6),
        ("type Author { name: String }", "type Author { name: Int }", 6),
        ("union Found = Message | Author", "union Found = Message", 9),
        ("input Form { text: String ", "input Form { text: String  urgent: Boolean! ", 12),
        ("input Inner { note: String }", "input Inner { note: Int }", 12),
        ("submit(form: Form!)", "submit(words: Form!)", 13),
    ],
)
def test_a_change_is_an_error_at_the_line_that_it_breaks(old_part: str, new_part: str, line: int) -> None:
    assert f"one.graphql:{line}" in touched(old_part, new_part)


@pytest.mark.parametrize(
    ("old_part", "new_part"),
    [
        ("type Route { rule: String }", "type Route { rule: Int }"),
        ("  route: Route", ""),
        ("enum Status { OPEN CLOSED }", "enum Status { OPEN }"),
        ("  node: Node", ""),
    ],
)
def test_a_change_that_no_document_meets_is_a_note(old_part: str, new_part: str) -> None:
    assert touched(old_part, new_part) == []


def test_an_addition_is_nothing_to_talk_about() -> None:
    new = OLD.replace("text: String!  status", "text: String!  title: String  status")
    assert breaking_changes(build_schema(OLD), build_schema(new), [Document("one.graphql", DOCUMENT)]) == []


def test_the_error_says_what_to_do() -> None:
    new = OLD.replace("text: String!  status", "status")
    (finding,) = breaking_changes(build_schema(OLD), build_schema(new), [Document("one.graphql", DOCUMENT)])
    assert str(finding).startswith("one.graphql:4: error: Field Message.text was removed. Keep the old beside the new")
