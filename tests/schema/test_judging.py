"""The walk of our own finds what graphql-core's finds, ends early, and lets others go first while it works."""

from __future__ import annotations

import pytest
from graphql import parse, specified_rules, validate
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.extensions.judging import MOST_ERRORS, faults_of, no_pause, parsed
from schema.extensions.limits import MAX_TOKENS, too_long
from schema.root import build_schema
from store.home import PROJECT

SCHEMA = build_schema()._schema
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)

WRONG = [
    "{ nothing viewer { nothing messages { nothing } } }",
    "query A { viewer { __typename } } query A { viewer { __typename } } { viewer { __typename } }",
    "query ($a: Int, $a: Int, $b: Nothing, $c: Organisation) { organisation(code: $d) { name } }",
    'query ($code: Int!) { organisation(code: $code) { name @include(if: "yes") @skip(if: true) @skip(if: true) } }',
    '{ organisation(code: "x", code: "y", nothing: 1) { name { name } parent } organisation { name } }',
    '{ organisation(code: "x") { ...A } } fragment A on Organisation { ...B } fragment B on Organisation { ...A }',
    '{ organisation(code: "x") { ...A ...C } } fragment A on Message { id } fragment B on Status { id }',
    '{ a: organisation(code: "x") { name: code name } a: organisation(code: "y") { name } }',
    'query ($s: [Status!]) { viewer { messages(filter: { status: $s, nothing: [1, { a: "x" }] }) { nodes { id } } } }',
    "query ($s: Status) { viewer { messages(filter: { status: [$s, NOTHING, null] }) { nodes { id } } } }",
    "query ($s: Int = 1) @nothing { viewer { messages(first: $s) @include { nodes { id ... on Nothing { id } } } } }",
    "query ($id: ID!) { node(id: $id) { ...F } } fragment F on Message { id x: organisation(a: $id, b: $no) { code } }",
    "subscription { a: messageChanged(reference: 1) { id } b: messageChanged { id } }",
    "type Query { a: Int } { viewer { __typename } }",
    '{ message(reference: """a""") { id ... @include(if: $x) { text } } }',
]


@pytest.mark.parametrize("text", WRONG)
def test_the_errors_are_those_of_graphql_core(text: str) -> None:
    document = parse(text)
    expected = validate(SCHEMA, document, RULES, hide_suggestions=True)
    found = faults_of(SCHEMA, document, suggestions=False)
    assert expected
    assert [(one.message, one.locations) for one in found] == [(one.message, one.locations) for one in expected]


def test_what_the_portal_asks_is_right_by_both() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (PROJECT / "portal" / "operations").glob("*.graphql")]
    assert texts
    for text in texts:
        document = parsed(text, MAX_TOKENS, no_pause)
        assert document == parse(text)
        assert faults_of(SCHEMA, document) == validate(SCHEMA, document, RULES) == []


def test_judging_ends_after_a_few_errors_and_suggests_only_at_the_first() -> None:
    misspelt = " ".join(f"organisatio{number}" for number in range(300))
    errors = faults_of(SCHEMA, parse(f"{{ {misspelt} }}"))
    assert len(errors) == MOST_ERRORS
    assert ["Did you mean" in one.message for one in errors] == [True] * 3 + [False] * (MOST_ERRORS - 3)


def test_whoever_shares_the_loop_is_let_through_while_a_document_is_read() -> None:
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1

    fields = " ".join(f'a{number}: organisation(code: "x") {{ name }}' for number in range(50))
    document = parsed(f"{{ {fields} }}", MAX_TOKENS, pause)
    while_parsing, pauses = pauses, 0
    assert faults_of(SCHEMA, document, pause=pause) == []
    assert min(while_parsing, pauses) > 20


TOKEN_RICH = "{ viewer { " + "id " * (MAX_TOKENS - 6) + "} }"


@pytest.mark.parametrize(
    ("text", "is_too_long"),
    [
        (TOKEN_RICH, False),
        (TOKEN_RICH.replace("{ viewer", "{ viewer viewer viewer"), True),
        ('{ echo(text: "' + "word " * MAX_TOKENS + '") }', False),
        ('{ echo(text: """' + 'word \\""" "word" ' * 2000 + '""") }', False),
        ("# " + "word " * MAX_TOKENS + "\n{ viewer { id } }", False),
        ("{" * 60_000, True),
        ("x" * 64_001, True),
        ('"' + '\\"' * 31_000, False),
        ('"""' + '\\"""' * 15_000, False),
    ],
)
def test_tokens_are_counted_before_anything_is_parsed(text: str, is_too_long: bool) -> None:
    assert (too_long(text) is not None) is is_too_long
