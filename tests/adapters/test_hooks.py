"""Where the language ends: a named function, allowed by its name, that can do nothing but make a value out of a value."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from adapters.adapter import CannotBuild
from agencies import hooks
from tests.adapters.small_agency import adapter_of, submit
from tests.adapters.words import MESSAGE

NAME = "sample_oddities:house_number"


def file_with(hook: str) -> str:
    return submit('send: {house: message.address | hook("house"), kind: message.category}', f"hooks: {{house: {hook}}}")


def test_a_hook_makes_what_the_file_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKNO_HOOKS", f"other:thing, {NAME}")
    assert adapter_of(file_with(NAME)).submit_call(MESSAGE).body == {"house": "121", "kind": "roads/pothole"}


@pytest.mark.parametrize(
    ("hook", "allowed", "words"),
    [
        (NAME, "", "add `sample_oddities:house_number` to the variable OKNO_HOOKS"),
        ("nowhere:a", "nowhere:a", "no file adapters/hooks/nowhere.py"),
        ("sample_oddities:a", "sample_oddities:a", "no function `a`"),
        ("sample_oddities:never_ends", "sample_oddities:never_ends", "took more than 50000 steps"),
        ("sample_oddities:too_much", "sample_oddities:too_much", "gave more than 1000000 characters"),
    ],
)
def test_a_hook_that_may_not_run_or_does_too_much_costs_only_its_field(
    monkeypatch: pytest.MonkeyPatch, hook: str, allowed: str, words: str
) -> None:
    monkeypatch.setenv("OKNO_HOOKS", allowed)
    adapter = adapter_of(file_with(hook))
    before = sys.gettrace()
    with pytest.raises(CannotBuild) as caught:
        adapter.submit_call(MESSAGE)
    assert words in caught.value.text
    assert "Калуга" not in caught.value.text
    assert sys.gettrace() is before


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os", "imports `os`"),
        ("from os.path import join", "imports `os.path`"),
        ("from . import other", "imports `.`"),
        ("import re, subprocess", "imports `subprocess`"),
        ("def a(v):\n    return open(v)", "uses `open`"),
        ("def a(v):\n    return eval(v)", "uses `eval`"),
        ("def a(v):\n    return __import__('os')", "uses `__import__`"),
        ("def a(v):\n    return ().__class__.__bases__", "reaches for"),
        ("x = 0\ndef a(v):\n    global x\n    x = v", "changes names outside"),
    ],
)
def test_a_hook_that_reaches_out_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    (tmp_path / "bad.py").write_text(code, "utf-8")
    monkeypatch.setattr(hooks, "_FOLDER", tmp_path)
    said = hooks.why_not("bad:a", frozenset({"bad:a"}))
    assert said is not None
    assert words in said


def test_every_hook_of_the_house_keeps_the_rules() -> None:
    for path in Path(hooks.__file__).parent.parent.joinpath("adapters/hooks").glob("*.py"):
        assert hooks._impurity(ast.parse(path.read_text("utf-8"))) is None, path.name
