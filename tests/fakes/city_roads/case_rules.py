"""The road agency's own words: kinds of cases, its area, states of a case, and the table of moves its clerks may make."""

KINDS = {
    "0412": "pothole",
    "0418": "sign",
    "0421": "traffic light",
    "0425": "marking",
    "0430": "snow and ice",
    "0433": "street lighting",
    "0437": "sidewalk",
    "0440": "bridge",
    "0444": "barrier",
    "0448": "storm drain",
    "0499": "other",
}

AREA = ("29", "38")
"""First digits of the OKTMO codes served: Kaluga and Kursk regions."""

REGISTERED, IN_WORK, QUESTION, ANSWERED, WITHDRAWN, DECLINED = "1", "2", "3", "4", "7", "9"

STATES = {
    REGISTERED: "registered",
    IN_WORK: "in work",
    QUESTION: "question to the citizen",
    ANSWERED: "answered",
    WITHDRAWN: "withdrawn",
    DECLINED: "declined",
}

MOVES: dict[str, tuple[str, ...]] = {
    REGISTERED: (IN_WORK, DECLINED),
    IN_WORK: (QUESTION, DECLINED),
    QUESTION: (IN_WORK, DECLINED),
    ANSWERED: (),
    WITHDRAWN: (),
    DECLINED: (),
}
"""State -> where a clerk may move it. `4` is reached by answering, `7` by the sender alone."""

CLOSED = frozenset(state for state, onward in MOVES.items() if not onward)
WANT_A_REMARK = frozenset({QUESTION, DECLINED})


def in_area(district: str | None) -> bool:
    """True for a district of ours, and for a case that names none: a clerk will find out."""
    return district is None or district.startswith(AREA)


def refusal_of_move(state: str, wanted: str) -> str | None:
    """Why a clerk may not move a case from `state` to `wanted`; None when the move is allowed."""
    if wanted not in MOVES:
        return f"There is no state {wanted}; the states are {', '.join(named(one) for one in STATES)}."
    if wanted == ANSWERED:
        return "A case becomes answered by answering it, not by moving it."
    if wanted == WITHDRAWN:
        return "Only the sender of a case can withdraw it."
    if wanted in MOVES[state]:
        return None
    if state in CLOSED:
        return f"The case is {named(state)}; it is closed and cannot be moved."
    onward = " or ".join(named(one) for one in MOVES[state])
    return f"A case that is {named(state)} cannot become {named(wanted)}; it can become {onward}."


def named(state: str) -> str:
    """A state as a person reads it: `2 (in work)`."""
    return f"{state} ({STATES[state]})"
