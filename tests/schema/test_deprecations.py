"""A deprecation has a last day: before it a use is a warning, after it an error."""

from __future__ import annotations

from datetime import date

import pytest
from graphql import build_schema

from schema.check.deprecations import badly_deprecated, deprecated_uses
from schema.check.documents import Document
from schema.check.finding import Severity
from schema.root import build_schema as build_ours

SCHEMA = """
enum Status { OPEN  GONE @deprecated(reason: "Use OPEN instead; until 2027-01-31.") }
input Form { text: String  words: String @deprecated(reason: "Use text instead; until 2027-01-31.") }
type Query {
  since: String @deprecated(reason: "Use statusSince instead; until 2027-01-31.")
  statusSince: String
  find(status: Status, form: Form, old: Int @deprecated(reason: "Use status; until 2027-01-31.")): String
}
"""
LAST_DAY = date(2027, 1, 31)


def _uses(text: str, today: date = LAST_DAY) -> list[tuple[Severity, str | None]]:
    findings = deprecated_uses(build_schema(SCHEMA), [Document("one.graphql", text)], today)
    return [(finding.severity, finding.place) for finding in findings]


@pytest.mark.parametrize(
    "text",
    [
        "{\n since }",
        "{\n find(old: 1) }",
        "{\n find(status: GONE) }",
        '{\n find(form: {words: "x"}) }',
        "{ ...F }\nfragment F on Query { since since }",
    ],
)
def test_what_is_deprecated_is_a_warning_on_its_last_day_and_an_error_after_it(text: str) -> None:
    assert _uses(text) == [(Severity.WARNING, "one.graphql:2")]
    assert _uses(text, date(2027, 2, 1)) == [(Severity.ERROR, "one.graphql:2")]


def test_a_document_is_not_blamed_for_what_only_a_variable_might_bring() -> None:
    assert _uses("query($form: Form, $status: Status) { find(form: $form, status: $status) statusSince }") == []


@pytest.mark.parametrize(
    ("reason", "missing"),
    [
        ("Use b instead.", "a last day"),
        ("Use b instead; until 2027-02-30.", "a last day"),
        ("Too slow; until 2027-01-31.", "a word on what to use instead"),
    ],
)
def test_a_deprecation_must_say_until_when_and_what_instead(reason: str, missing: str) -> None:
    schema = build_schema(f'type Query {{ a: Int @deprecated(reason: "{reason}") b: Int }}')
    (finding,) = badly_deprecated(schema)
    assert finding.severity is Severity.ERROR
    assert f"Query.a is deprecated without {missing}" in finding.text


def test_every_deprecation_of_our_schema_is_a_good_one() -> None:
    assert badly_deprecated(build_ours()._schema) == []
    assert badly_deprecated(build_schema(SCHEMA)) == []
