"""The housing inspection's own words: kinds of requests, states of a case, and the table of moves its clerks may make."""

KINDS = frozenset(
    {
        "roof",
        "heating",
        "water",
        "entrance",
        "elevator",
        "basement",
        "bills",
        "management",
        "facade",
        "yard",
        "playground",
        "parking",
        "cleaning",
        "lighting",
        "other",
    }
)

MOVES: dict[str, tuple[str, ...]] = {
    "new": ("accepted", "rejected"),
    "accepted": ("in_work", "need_info", "planned", "rejected"),
    "in_work": ("planned", "need_info", "rejected"),
    "need_info": ("in_work", "rejected"),
    "planned": ("in_work", "rejected"),
    "done": (),
    "rejected": (),
    "withdrawn": (),
}
"""State -> where a clerk may move it. `done` is reached by answering, `withdrawn` by the sender alone."""

CLOSED = frozenset(state for state, onward in MOVES.items() if not onward)
WANT_A_REMARK = frozenset({"need_info", "rejected"})


def refusal_of_move(state: str, wanted: str) -> str | None:
    """Why a clerk may not move a case from `state` to `wanted`; None when the move is allowed."""
    if wanted not in MOVES:
        return f"There is no state {wanted}; the states are {', '.join(MOVES)}."
    if wanted == "done":
        return "A case becomes done by answering it, not by moving it."
    if wanted == "withdrawn":
        return "Only the sender of a request can withdraw it."
    if wanted in MOVES[state]:
        return None
    if state in CLOSED:
        return f"The case is {state}; it is closed and cannot be moved."
    return f"A case that is {state} cannot become {wanted}; it can become {' or '.join(MOVES[state])}."
