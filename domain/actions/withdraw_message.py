"""The citizen takes a message back. What has not reached the agency is cancelled; what has is taken back there too, where its system can."""

from __future__ import annotations

from domain.problem import Problem, ProblemsFound
from domain.status import Mover, Status, judge_move


def withdraw_message(current: Status) -> Status:
    """The state after a withdrawal. Raises ProblemsFound when it is too late; a second withdrawal is the same as the first."""
    if current is Status.WITHDRAWN:
        return current
    if not judge_move(current, Status.WITHDRAWN, Mover.CITIZEN).applies:
        raise ProblemsFound(
            Problem(
                "TOO_LATE_TO_WITHDRAW",
                ("reference",),
                "На сообщение уже ответили или оно закрыто, отозвать его нельзя. Вы можете оценить ответ.",
                "The message is answered or closed already and cannot be withdrawn. You can rate the answer.",
            )
        )
    return Status.WITHDRAWN
