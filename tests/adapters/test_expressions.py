"""Expressions: what the language holds, what it refuses, and that nothing leaks out of it."""

from __future__ import annotations

import pytest

from adapters.expressions import Expression, ExpressionFailed, ExpressionFault, follow, parse
from adapters.functions import EXAMPLE_HOOKS, EXAMPLE_SCOPE, EXAMPLE_TABLES, FUNCTIONS, Function, Words
from tests.adapters.words import MOSCOW


def value(text: str, scope: dict[str, object] | None = None) -> object:
    return parse(text).evaluate(scope or {}, MOSCOW)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_every_filter_does_what_its_example_says(function: Function) -> None:
    words = Words(MOSCOW.timezone, EXAMPLE_TABLES, hooks=EXAMPLE_HOOKS)
    assert parse(function.example).evaluate(EXAMPLE_SCOPE, words) == function.gives
    assert function.name in function.example
    assert function.says.endswith(".")


@pytest.mark.parametrize(
    "name", [name for name, function in FUNCTIONS.items() if not function.arguments and name != "default"]
)
def test_a_missing_value_stays_missing_through_filters(name: str) -> None:
    assert value(f"nothing | {name}") is None


@pytest.mark.parametrize(
    ("text", "scope", "expected"),
    [
        ("a.b", {"a": {"b": "0412"}}, "0412"),
        ("a.b.c.d", {"a": {"b": "x"}}, None),
        ("a.0.b", {"a": [{"b": "x"}]}, "x"),
        ("a[0]['b-c']", {"a": [{"b-c": "x"}]}, "x"),
        ("a.5.b", {"a": [{"b": "x"}]}, None),
        ("a.items", {"a": {"items": [1]}}, [1]),
        ("a.keys", {"a": {"b": "x"}}, None),
        ("self.x", {"self": {"x": "y"}}, "y"),
        ("Дело.Номер", {"Дело": {"Номер": "7"}}, "7"),
        ("a ~ '-' ~ b", {"a": "x", "b": None}, "x-"),
        ("a if a is defined else b", {"a": None, "b": "y"}, "y"),
        ("a == '3' or a == '9'", {"a": "9"}, True),
        ("a | default(b.c)", {"b": {"c": "y"}}, "y"),
        ("a | default('x')", {"a": ""}, "x"),
        ("200", {}, 200),
        ("'it is'", {}, "it is"),
    ],
)
def test_an_expression_keeps_types_and_tolerates_missing_parts(
    text: str, scope: dict[str, object], expected: object
) -> None:
    assert value(text, scope) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-expression"),
        ("x" * 501, "expression-too-long"),
        ("{% if a %}", "bad-expression"),
        ("{{ a }}", "bad-expression"),
        ("a + 1", "bad-expression"),
        ("a * 9999999", "bad-expression"),
        ("[1, 2]", "bad-expression"),
        ("a[b]", "bad-expression"),
        ("a.", "bad-expression"),
        ("a |", "bad-expression"),
        ("a b", "bad-expression"),
        ("0412", "bad-expression"),
        ("'open", "bad-expression"),
        ("'a\\'b'", "bad-expression"),
        ("a is sequence", "bad-expression"),
        ("(" * 21 + "a" + ")" * 21, "bad-expression"),
        ("range(10)", "call"),
        ("a.upper()", "call"),
        ("debug()", "call"),
        ("_words", "unknown-name"),
        ("a | replace('a', 'b')", "unknown-filter"),
        ("a | tojson", "unknown-filter"),
        ("a | shorten", "bad-argument"),
        ("a | shorten('x')", "bad-argument"),
    ],
)
def test_what_is_outside_the_language_is_a_fault_when_the_file_is_read(text: str, code: str) -> None:
    with pytest.raises(ExpressionFault) as caught:
        parse(text)
    assert caught.value.code == code


def test_a_misspelt_filter_suggests_the_one_meant() -> None:
    with pytest.raises(ExpressionFault, match="Did you mean `shorten`") as caught:
        parse("message.subject | shortn(9)")
    assert caught.value.column == 18


@pytest.mark.parametrize("text", ["a | shorten(3)", "a | translate('kinds')", "a | local", "a | decimal(2)"])
def test_an_error_never_holds_the_value(text: str) -> None:
    with pytest.raises(ExpressionFailed) as caught:
        value(text, {"a": {"private": "Иванов"}} if "translate" not in text else {"a": "Иванов"})
    assert "Иванов" not in str(caught.value)


def test_a_parsed_expression_names_its_paths_and_filters() -> None:
    expression: Expression = parse("message.category | translate('kinds') if case.id else message['text']")
    assert [str(use) for use in expression.paths] == ["message.category", "case.id", "message.text"]
    assert [(use.name, use.literals) for use in expression.filters] == [("translate", ("kinds",))]
    assert expression.only_path is None
    assert parse(" a.0.b ").only_path == ("a", 0, "b")


def test_a_path_never_reaches_an_attribute_of_an_object() -> None:
    class Holder:
        secret = "x"

    assert follow({"a": Holder()}, ("a", "secret")) is None
    assert follow({"a": "text"}, ("a", 0)) is None
