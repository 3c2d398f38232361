"""Evaluation is total: whatever a file says and an agency answers, it ends soon, stays small, and reaches nothing but its values."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.expressions import ExpressionFailed, ExpressionFault, parse
from adapters.functions import FUNCTIONS, MAX_SIZE, Words

MEGABYTE = "я" * 1_000_000


class Holder:
    """An object of ours that must never be reached."""

    secret = "hidden"

    def __str__(self) -> str:
        return "harmless"


def nested(levels: int) -> list[object]:
    found: list[object] = []
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("a | text", {"a": 10**5000}),
        ("a | decimal(2)", {"a": 10**400}),
        ("a" + " | base64" * 40, {"a": MEGABYTE[:100_000]}),
        ("a ~ " * 90 + "a", {"a": MEGABYTE}),
        ("(a ~ a ~ a ~ a ~ a) | base64", {"a": MEGABYTE}),
        ("a | shift('999999d')", {"a": datetime(9999, 1, 1, tzinfo=UTC)}),
        ("a | time('%s', 'Asia/Kamchatka')", {"a": datetime.max.replace(tzinfo=UTC)}),
        ("a | number", {"a": "9" * 19}),
        ("a | upper", {"a": {"private": 1}}),
        ("a | translate('no')", {"a": "x"}),
    ],
)
def test_what_would_grow_or_break_fails_quietly(text: str, scope: dict[str, object]) -> None:
    started = time.process_time()
    with pytest.raises(ExpressionFailed) as caught:
        parse(text).evaluate(scope, Words.none())
    assert time.process_time() - started < 5
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("not " * 100 + "a", {"a": 1}),
        ("a if a else " * 38 + "a", {"a": 0}),
        ("(" * 20 + "a" + ")" * 20, {"a": 1}),
        ("a == b", {"a": nested(60), "b": nested(60)}),
        ("a in b", {"a": 1, "b": list(range(100_000))}),
        ("a | like('*a*b*c*d*e*f*g*h')", {"a": "abcdefg" * 20_000}),
        ("a | like('" + "*a" * 8 + "')", {"a": "a" * 50_000 + "b"}),
        ("a | same_words(b)", {"a": MEGABYTE, "b": MEGABYTE}),
        ("a | shorten(99999999999)", {"a": "x"}),
        ("a | first(0)", {"a": MEGABYTE}),
    ],
)
def test_what_is_deep_or_long_ends_soon(text: str, scope: dict[str, object]) -> None:
    started = time.process_time()
    parse(text).evaluate(scope, Words.none())
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        "a.__class__",
        "a['__class__']['__mro__']",
        "a.secret",
        "a['secret']",
        "a.__init__.__globals__",
        "a.format",
        "a.0.secret",
    ],
)
def test_no_attribute_of_any_object_can_be_reached(text: str) -> None:
    for value in (Holder(), "text", b"bytes", datetime.now(UTC), [Holder()], {"b": Holder()}):
        assert parse(text).evaluate({"a": value}, Words.none()) is None


@pytest.mark.parametrize(
    "text",
    [
        "range(1000000000)",
        "lipsum()",
        "cycler()",
        "dict(a=1)",
        "namespace()",
        "a * 1000000000",
        "'x' * 1000000000",
        "a ** a ** a",
        "[a] * 9",
        "{'a': a}",
        "{% for x in a %}{% endfor %}",
        "{{ a }}",
        "a is divisibleby(0)",
        "a | map(attribute='secret')",
        "a | attr('secret')",
        "a | safe",
        "_words",
        "_words.tables",
        "a | like('" + "*a" * 9 + "')",
        "a | time('%c')",
        "a | time('%Y', 'Nowhere/Land')",
        "a | shift('tomorrow')",
        "a[b]",
        "a.b()",
        "a" + "|trim" * 200,
    ],
)
def test_what_could_be_abused_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionFault):
        parse(text)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b.c",
                "'x'",
                "1",
                "(",
                ")",
                "|",
                "~",
                "if",
                "else",
                "not",
                "and",
                "==",
                "in",
                "is",
                "defined",
                *FUNCTIONS,
            ]
        ),
        max_size=14,
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_any_words_on_any_values_end_in_a_value_or_a_named_failure(words: list[str], value: object) -> None:
    try:
        expression = parse(" ".join(words))
    except ExpressionFault:
        return
    try:
        found = expression.evaluate({"a": value, "b": {"c": value}}, Words.none())
    except ExpressionFailed:
        return
    assert not isinstance(found, (str, bytes)) or len(found) <= MAX_SIZE
