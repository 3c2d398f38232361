"""The citizen adds files to a message that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.actions.submit_message import check_attachments
from domain.problem import Problem
from domain.status import Status
from domain.wish import check_open, fingerprint, raise_found

MAX_FILES_OF_A_MESSAGE = 30
"""Those that came with the message included."""

NOT_YOURS = Problem(
    "ATTACHMENT_UNKNOWN",
    ("attachments",),
    "Среди ваших загруженных и ещё не использованных файлов такого нет. Загрузите файл заново через uploadAttachment.",
    "There is no such file among those you uploaded and have not used yet. Upload it again with `uploadAttachment`.",
)


@dataclass(frozen=True, slots=True)
class AddAttachments:
    """`reference` is ours, already read; an id that is none is None."""

    reference: str
    attachments: tuple[UUID | None, ...]

    def fingerprint(self) -> bytes:
        return fingerprint("add_attachments", self.reference, [str(one) for one in self.attachments])


def add_attachments(command: AddAttachments, status: Status, so_far: int) -> tuple[UUID, ...]:
    """The files to be added to a message with `so_far` of them. Raises ProblemsFound."""
    files, problems = check_files(command.attachments, so_far)
    raise_found([check_open(status), None if command.attachments else _none_named(), *problems])
    return files


def check_files(given: Sequence[UUID | None], so_far: int) -> tuple[tuple[UUID, ...], list[Problem | None]]:
    """The files among the given ids, and what is wrong with them."""
    known = tuple(one for one in given if one is not None)
    return known, [
        NOT_YOURS if len(known) < len(given) else None,
        check_attachments(known),
        _too_many() if so_far + len(given) > MAX_FILES_OF_A_MESSAGE else None,
    ]


def _none_named() -> Problem:
    return Problem(
        "EMPTY",
        ("attachments",),
        "Не указано ни одного файла. Загрузите файл через uploadAttachment и укажите его id.",
        "No file is named. Upload a file with `uploadAttachment` and name its id.",
    )


def _too_many() -> Problem:
    return Problem(
        "TOO_MANY_ATTACHMENTS",
        ("attachments",),
        f"У одного сообщения может быть не больше {MAX_FILES_OF_A_MESSAGE} файлов. Оставьте самые важные.",
        f"A message takes at most {MAX_FILES_OF_A_MESSAGE} files. Keep the most important ones.",
    )
