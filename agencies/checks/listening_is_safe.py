"""What comes back is lost nowhere and guessed nowhere.

PASS  decide: [{state: closed, reason: "duplicate*", means: declined}, {state: closed, means: answered}]
PASS  missing_means: declined, with `ask`
FAIL  decide: [{means: answered}]                     wildcard-outcome: it fits whatever the agency says
FAIL  decide: [{state: closed, means: answered}, {state: closed, reason: "dup*", means: declined}]   row-never-reached
FAIL  decide: [{substate: x, means: answered}] where nothing is read into `substate`   field-not-read
FAIL  missing_means: declined, without `ask`          needs-ask: nobody was asked
FAIL  hands_out_once: true, with `then`               once-and-then: a reading that is cut off between them is lost
"""

from __future__ import annotations

from collections.abc import Iterator

from agencies import model_status as model
from agencies.checks.feed_goes_on import feeds_of
from agencies.checks.subject import Subject
from agencies.source import Fault, Path

_FIELDS = ("state", "substate", "reason")


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for path, poll in feeds_of(subject):
        yield from _of_feed(subject, path, poll)
    status = subject.file.status
    if status is not None:
        yield from _decisions(subject, status)


def _of_feed(subject: Subject, path: Path, poll: model.Poll) -> Iterator[Fault]:
    if poll.missing_means != "unchanged" and poll.shows == "changes":
        text = "a feed of changes lacks most cases; this belongs to `shows: everything`"
        yield subject.source.fault((*path, "missing_means"), "needs-whole-list", text)
    elif poll.missing_means != "unchanged" and subject.file.ask is None:
        text = "a case that is not listed is asked for before anything is believed: describe `ask`"
        yield subject.source.fault((*path, "missing_means"), "needs-ask", text)
    if poll.hands_out_once and poll.then:
        text = "between the reading and what follows it, everything handed out could be lost; read details in `also_poll` or `ask`"
        yield subject.source.fault((*path, "then"), "once-and-then", text, of_key=True)


def _decisions(subject: Subject, status: model.Status) -> Iterator[Fault]:
    read = _read_fields(subject, status)
    for number, row in enumerate(status.decide):
        path: Path = ("status", "decide", number)
        patterns = [getattr(row, field) for field in _FIELDS]
        if all(pattern and not pattern.strip("* ") for pattern in patterns):
            text = "it fits whatever the agency says; name a state, the rest waits for a person"
            yield subject.source.fault(path, "wildcard-outcome", text)
            continue
        earlier = next((n for n, one in enumerate(status.decide[:number]) if _covers(one, row)), None)
        if earlier is not None:
            text = f"row {earlier + 1} fits everything that this one fits; put the more exact row first"
            yield subject.source.fault(path, "row-never-reached", text)
        for field in ("substate", "reason"):
            if getattr(row, field) != "*" and field not in read:
                text = f"no feed, webhook or `ask` says where `{field}` stands"
                yield subject.source.fault((*path, field), "field-not-read", text)


def _covers(earlier: model.DecideRow, later: model.DecideRow) -> bool:
    # A row that waits does not stop a later one from being meant for the time before.
    return earlier.after is None and all(getattr(earlier, field) in ("*", getattr(later, field)) for field in _FIELDS)


def _read_fields(subject: Subject, status: model.Status) -> set[str]:
    rows: list[model.StateRows] = [poll for _, poll in feeds_of(subject)]
    if status.webhook is not None:
        rows.append(status.webhook)
    if subject.file.ask is not None:
        rows.append(subject.file.ask.answer)
    return {field for field in ("substate", "reason") for row in rows if getattr(row, field) is not None}
