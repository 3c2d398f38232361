"""What citizens may write: checks on text that leave it unaltered (A-003).

Characters that no system downstream can hold are refused with the remedy, never stripped behind the citizen's back: NUL and other control
characters, lone surrogates (half an emoji, which PostgreSQL cannot store), and Unicode non-characters.
"""

from __future__ import annotations

import re

from domain.problem import Problem

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def check_words(value: str, path: tuple[str, ...], *, at_most: int, required: bool = True) -> Problem | None:
    """The first thing wrong with a text, or None. `at_most` counts characters."""
    if _NOT_TEXT.search(value):
        return Problem(
            "CHARACTERS_NOT_ALLOWED",
            path,
            "В тексте есть служебные символы, которые нельзя сохранить. Удалите их или наберите это место заново.",
            "The text holds control characters that cannot be stored. Remove them or type that place again.",
        )
    if required and not value.strip():
        return Problem(
            "EMPTY",
            path,
            "Это поле не может быть пустым. Напишите, что случилось.",
            "This field cannot be empty. Write what happened.",
        )
    if len(value) > at_most:
        return Problem(
            "TOO_LONG",
            path,
            f"Слишком длинно: {len(value)} знаков, можно не больше {at_most}. Сократите текст или приложите его файлом.",
            f"Too long: {len(value)} characters, at most {at_most} are possible. Shorten the text or attach it as a file.",
        )
    return None
