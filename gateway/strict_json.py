"""JSON as callers may send it: UTF-8, bounded, and only what PostgreSQL and GraphQL can hold.

Refused with the remedy: other encodings, half an emoji (`"\\ud800"`), NaN and infinite numbers, whole numbers beyond
64 bits, nesting and sizes beyond the limits. What passes can be stored, compared and answered without surprises.
"""

from __future__ import annotations

import json
import math

from gateway.refusals import Refusal, bad_request
from gateway.settings import Limits

_LARGEST_INTEGER = 2**63


def read_json(raw: bytes | str, limits: Limits) -> object:
    """The value of a JSON text. Raises Refusal (400)."""
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_request(
            "Тело запроса — не UTF-8. Отправьте JSON в кодировке UTF-8.",
            "The body is not UTF-8. Send JSON encoded as UTF-8.",
        ) from None
    try:
        value: object = json.loads(text)
    except RecursionError:
        raise _too_deep(limits) from None
    except ValueError:
        # Also what Python says to a number of thousands of digits.
        raise bad_request(
            "Это не JSON. Проверьте кавычки, запятые и скобки.",
            "This is not JSON. Check the quotes, commas and brackets.",
        ) from None
    _check(value, limits)
    return value


def read_object(raw: bytes | str, limits: Limits, what_ru: str, what_en: str) -> dict[str, object]:
    """The JSON object in a text; `what_…` names the thing when it is something else. Raises Refusal (400)."""
    value = read_json(raw, limits)
    if isinstance(value, dict):
        return value
    raise bad_request(
        f"{what_ru} — это объект JSON в фигурных скобках: {{…}}.",
        f"{what_en} must be one JSON object in braces: {{…}}.",
    )


def _check(value: object, limits: Limits) -> None:
    """Walk without recursion: the value may be as deep as the parser let it be."""
    seen = 0
    level: list[object] = [value]
    for _ in range(limits.json_depth):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                _check_length(len(item), limits.json_list, "элементов в одном списке", "items in one list")
                below += item
            else:
                _check_leaf(item, limits)
        seen += len(below)
        _check_length(seen, limits.json_values, "значений", "values")
        if not below:
            return
        level = below
    raise _too_deep(limits)


def _check_length(found: int, most: int, what_ru: str, what_en: str) -> None:
    if found > most:
        raise bad_request(
            f"В запросе больше {most} {what_ru}. Разделите его на несколько запросов.",
            f"The request holds more than {most} {what_en}. Split it into several.",
        )


def _check_leaf(item: object, limits: Limits) -> None:
    if isinstance(item, str):
        _check_length(len(item), limits.text_chars, "знаков в одной строке", "characters in one text")
        # Surrogates are the only code points that UTF-8 cannot encode.
        try:
            item.encode("utf-8")
        except UnicodeEncodeError:
            raise bad_request(
                "В тексте есть половина символа (одиночный суррогат \\ud800–\\udfff). Отправьте символ целиком или удалите его.",
                "A text holds half a character (a lone surrogate \\ud800-\\udfff). Send the whole character or remove it.",
            ) from None
    elif isinstance(item, float) and not math.isfinite(item):
        raise bad_request(
            "NaN и бесконечность — не числа JSON. Отправьте обычное число или null.",
            "NaN and infinity are not JSON numbers. Send an ordinary number or null.",
        )
    elif isinstance(item, int) and abs(item) >= _LARGEST_INTEGER:
        raise bad_request(
            "Слишком большое целое число: больше 64 бит. Отправьте его строкой.",
            "A whole number is too large: more than 64 bits. Send it as a string.",
        )


def _too_deep(limits: Limits) -> Refusal:
    return bad_request(
        f"JSON вложен глубже {limits.json_depth} уровней. Упростите его.",
        f"The JSON is nested deeper than {limits.json_depth} levels. Make it flatter.",
    )
