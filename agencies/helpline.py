"""A page about one agency for those who talk with citizens: what it gets, what it tells, how long it takes, what one can ask.

Promises: plain words in Russian or English, made from the file, so the page is never older than the connection; nothing
of the wire, no address and no name of a variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from adapters.context import MessageContext
from adapters.expressions import ExpressionFault, parse
from agencies.effective import duration, size
from agencies.model import AgencyFile
from agencies.model_walk import Mark, marked

Language = Literal["ru", "en"]

_UNITS_RU = {"ms": "мс", "s": "с", "m": "мин", "h": "ч", "d": "дн."}


@dataclass(frozen=True, slots=True)
class _Words:
    ru: str
    en: str

    def of(self, language: Language, **values: object) -> str:
        return (self.ru if language == "ru" else self.en).format(**values)


_GIVEN: Mapping[str, _Words] = {
    "reference": _Words("наш номер сообщения", "our number of the message"),
    "subject": _Words("тема", "the subject"),
    "text": _Words("текст сообщения", "the text of the message"),
    "category": _Words("категория", "the category"),
    "category_name": _Words("название категории", "the name of the category"),
    "received_at": _Words("дата и время подачи", "date and time of sending"),
    "latitude": _Words("точка на карте", "the point on the map"),
    "longitude": _Words("точка на карте", "the point on the map"),
    "address": _Words("адрес", "the address"),
    "territory": _Words("муниципалитет", "the municipality"),
    "attachments_count": _Words("число вложений", "the number of attachments"),
    "attachments": _Words("фотографии и файлы", "photos and files"),
}
_STATES: Mapping[str, _Words] = {
    "registered": _Words("зарегистрировано", "registered"),
    "in_progress": _Words("в работе", "in progress"),
    "waiting_for_citizen": _Words("ждут ответа заявителя", "waiting for the citizen"),
    "planned": _Words("работы запланированы", "planned"),
    "answered": _Words("дан ответ", "answered"),
    "declined": _Words("отклонено", "declined"),
    "ignore": _Words("заявителю не показывается", "not shown to the citizen"),
    "unchanged": _Words("статус не меняется", "the status stays"),
}
_LOST: Mapping[str, _Words] = {
    "resend": _Words(
        "сообщение отправляется снова: ведомство узнаёт повтор, второго дела не будет",
        "the message is sent again: the agency recognises a repeat, there is no second case",
    ),
    "look-up": _Words(
        "мы сами спрашиваем ведомство, дошло ли сообщение, и только потом отправляем снова",
        "we ask the agency whether it arrived, and only then send again",
    ),
    "ask-a-person": _Words(
        "сообщение ждёт сотрудника, который выяснит, дошло ли оно",
        "the message waits for a person who finds out whether it arrived",
    ),
}
_OPERATIONS: Mapping[str, tuple[_Words, _Words]] = {
    "withdraw": (_Words("отозвать сообщение", "withdraw the message"), _Words("отозвать нельзя", "it cannot be withdrawn")),
    "add_comment": (_Words("дополнить сообщение", "add to the message"), _Words("дополнить нельзя", "nothing can be added")),
    "reopen": (
        _Words("открыть снова, если ответ не помог", "open it again when the answer did not help"),
        _Words("открыть снова в системе ведомства нельзя", "it cannot be opened again in the agency's system"),
    ),
}  # fmt: skip
_HEADS = {
    "receives": _Words("Какие сообщения принимает", "What it takes"),
    "given": _Words("Что ведомство узнаёт", "What the agency learns"),
    "lost": _Words("Если связь прервалась", "When the connection breaks"),
    "back": _Words("Как приходят ответы", "How answers come back"),
    "states": _Words("Что значат статусы", "What the states mean"),
    "asked": _Words("О чём можно просить", "What one can ask for"),
    "responsible": _Words("Кто отвечает за подключение", "Who answers for the connection"),
}


def helpline_page(file: AgencyFile, language: Language, categories: Mapping[str, str] | None = None) -> str:
    """The page as Markdown. `categories` are the rubricator's names by code; without them codes are shown."""
    return "\n".join([f"# {getattr(file.agency.name, language)}\n", *_sections(file, language, categories or {})])


def _sections(file: AgencyFile, language: Language, categories: Mapping[str, str]) -> Iterator[str]:
    taken = [_category(one, categories) for one in file.agency.receives]
    yield _section("receives", language, taken)
    yield _section("given", language, [*_given(file, language), *_attachments(file, language)])
    yield _section("lost", language, [_LOST[file.submit.when_answer_is_lost].of(language)])
    yield _section("back", language, list(_back(file, language)))
    if file.status is not None and file.status.means:
        rows = [f"«{theirs}»: {_STATES[ours].of(language)}" for theirs, ours in file.status.means.items()]
        unknown = _Words(
            "любой другой статус сначала смотрит сотрудник", "any other state is looked at by a person first"
        )
        yield _section("states", language, [*rows, unknown.of(language)])
    asked = [words[getattr(file, name) is None].of(language) for name, words in _OPERATIONS.items()]
    yield _section("asked", language, asked)
    yield _section("responsible", language, [file.agency.owner])


def _section(head: str, language: Language, lines: list[str]) -> str:
    return f"## {_HEADS[head].of(language)}\n\n" + "".join(f"- {line}\n" for line in lines)


def _category(code: str, categories: Mapping[str, str]) -> str:
    name = categories.get(code.removesuffix("/*"))
    return f"{name} (`{code}`)" if name else f"`{code}`"


def _given(file: AgencyFile, language: Language) -> list[str]:
    """What of the message the file sends, once each."""
    named: set[str] = set()
    for one in marked(file):
        if one.mark is Mark.EXPRESSION:
            try:
                named |= {
                    str(use.steps[1]) for use in parse(one.text).paths if use.steps[0] == "message" and use.steps[1:]
                }
            except ExpressionFault:
                # A file with such a fault is told of by the checks.
                continue
    known = [name for name in MessageContext.__dataclass_fields__ if name in named and name in _GIVEN]
    never = _Words(
        "имя, телефон и почта заявителя не передаются",
        "the citizen's name, telephone and mail address are not passed on",
    )
    return [*dict.fromkeys(_GIVEN[name].of(language) for name in known), never.of(language)]


def _attachments(file: AgencyFile, language: Language) -> Iterator[str]:
    step = file.attachment or file.upload
    limits = step.limits if step is not None else file.submit.limits
    if step is None and limits is None:
        yield _Words("вложения ведомство не принимает", "the agency takes no attachments").of(language)
        return
    yield _Words("фотографии и файлы", "photos and files").of(language)
    if limits is not None and limits.max_bytes is not None:
        largest = size(limits.max_bytes)
        yield _Words("файл не больше {size}", "a file of at most {size}").of(language, size=largest)
    if limits is not None and limits.at_most is not None:
        yield _Words("не больше {count} файлов", "at most {count} files").of(language, count=limits.at_most)


def _back(file: AgencyFile, language: Language) -> Iterator[str]:
    status = file.status
    if status is None:
        yield _Words("ведомство ничего не сообщает само", "the agency tells nothing by itself").of(language)
    if status is not None and status.webhook is not None:
        yield _Words("ведомство сообщает об изменениях сразу", "the agency tells us of changes at once").of(language)
    if status is not None and status.poll is not None:
        often = _every(status.poll.every, language)
        yield _Words("мы спрашиваем ведомство раз в {often}", "we ask the agency every {often}").of(
            language, often=often
        )
    if file.ask is not None:
        yield _Words(
            "состояние дела можно узнать прямо сейчас, открыв сообщение",
            "how the case stands now is shown when the message is opened",
        ).of(language)


def _every(seconds: float, language: Language) -> str:
    text = duration(seconds)
    if language == "en":
        return text
    number = text.rstrip("smhd")
    return f"{number} {_UNITS_RU[text[len(number) :]]}"
