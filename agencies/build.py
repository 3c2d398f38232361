"""From an agency file to the plan its adapter obeys: expressions parsed, names of rows split, words made codes.

Promises: a file that passed the checks builds; nothing is read from the network, the database or the environment (a
secret is asked for when it is needed and not before).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from zoneinfo import ZoneInfo

from adapters.adapter import Adapter
from adapters.expressions import parse
from adapters.functions import Words
from adapters.plan import AgencyPlan, Pause
from agencies import build_status, model
from agencies.build_sending import (
    PATH_EXPRESSION,
    attachments_go,
    fetched_tables,
    limits,
    look_up,
    maybe_write_step,
    named_steps,
    request_line,
    sending,
    sent_rows,
    text_rules,
    write_step,
)
from agencies.hooks import load_hooks
from agencies.links import places_of_links
from agencies.secrets import Reference
from domain.foreign_change import Meaning
from domain.status import Status

__all__ = ["MEANINGS", "PATH_EXPRESSION", "build_adapter", "request_line"]

MEANINGS: Mapping[str, Status | Meaning] = {
    "registered": Status.REGISTERED,
    "in_progress": Status.IN_PROGRESS,
    "waiting_for_citizen": Status.WAITING_FOR_CITIZEN,
    "planned": Status.PLANNED,
    "answered": Status.ANSWERED,
    # An agency that declines closes without a solution; only people call a message solved.
    "declined": Status.CLOSED_UNSOLVED,
    "ignore": Meaning.IGNORE,
    "unchanged": Meaning.UNCHANGED,
    "unknown": Meaning.UNKNOWN,
}


def build_adapter(file: model.AgencyFile, secret: Callable[[str], str] | None = None) -> Adapter:
    """The adapter of a checked file. `secret` gives the value of a text with `${NAME}`; the environment's unless told."""
    reveal = secret or _from_environment
    status = file.status
    reads = partial(sending, safe=True)
    feeds = build_status.feeds(status, reads, MEANINGS)
    plan = AgencyPlan(
        code=file.agency.code,
        words=Words(ZoneInfo(file.agency.timezone), file.translate, file.translate_back, load_hooks(file.hooks)),
        submit=write_step(file, file.submit),
        before=named_steps(file, file.before),
        then=named_steps(file, file.then),
        upload=write_step(file, file.upload, needs_all_kept=True) if file.upload else None,
        attachment=maybe_write_step(file, file.attachment),
        attachment_limits=limits(file),
        attachments_go=attachments_go(file),
        withdraw=maybe_write_step(file, file.withdraw),
        add_comment=maybe_write_step(file, file.add_comment),
        reopen=maybe_write_step(file, file.reopen),
        set_priority=maybe_write_step(file, file.set_priority),
        look_up=look_up(file.look_up) if file.look_up else None,
        tables=fetched_tables(file),
        text=text_rules(file.text),
        ask=build_status.ask_step(file.ask, reads) if file.ask else None,
        poll=feeds[0] if feeds else None,
        also_poll=tuple(feeds[1:]),
        webhook=build_status.webhook_step(status.webhook, status.poll, reveal) if status and status.webhook else None,
        decide=build_status.decisions(status, MEANINGS),
        hides=build_status.hiding(status),
        collapses_repeats=status is None or status.collapse_repeats,
        pause=Pause(file.pause.sending, file.pause.reading) if file.pause else Pause(),
        says_links=bool(places_of_links(file)),
        edition=build_status.edition_of(status, file.ask),
        means={theirs.strip(): MEANINGS[ours] for theirs, ours in status.means.items()} if status else {},
        safe_names=frozenset(_safe_names(file)),
    )
    return Adapter(plan)


def _from_environment(text: str) -> str:
    return Reference(text).resolved().reveal()


def _safe_names(file: model.AgencyFile) -> Iterator[str]:
    """Last names of the paths that hold codes and numbers, in what is sent and in what comes back."""
    for step in _writes(file):
        answer = step.answer
        yield from _ends(answer.outcome.from_, answer.case_id, answer.code, *answer.also_known_as.values())
    if file.look_up is not None:
        yield from _ends(file.look_up.answer.case_id, file.look_up.answer.reference)
    if file.status is not None:
        for rows in (file.status.poll, *file.status.also_poll.values(), file.status.webhook):
            if rows is not None:
                yield from _ends(rows.case_id, rows.state, rows.substate, rows.reference, rows.event_key)
    for sends in (*_writes(file), file.look_up):
        for name, text in sent_rows(sends.send) if sends is not None else ():
            if any(use.steps in _CODES_OF_OURS for use in parse(text).paths):
                yield name


def names_read(file: model.AgencyFile) -> Iterator[str]:
    """Last names of the paths that hold what the file compares, translates or keeps: without these values a reply would be read otherwise."""
    for step in _writes(file):
        yield from _ends(*step.answer.keep.values())
    status = file.status
    feeds = (status.poll, *status.also_poll.values(), status.webhook) if status is not None else ()
    for rows in (*feeds, file.ask.answer if file.ask is not None else None):
        if rows is not None:
            yield from _ends(rows.case_id, rows.state, rows.substate, rows.reason, rows.at)


def _writes(file: model.AgencyFile) -> Iterator[model.Writes]:
    steps = (file.submit, file.upload, file.attachment, file.withdraw, file.add_comment, file.reopen, file.set_priority)
    for step in (*steps, *file.before, *file.then):
        if step is not None:
            yield from (*getattr(step, "before", ()), step)


_CODES_OF_OURS = {("message", "reference"), ("message", "category"), ("case", "id")}


def _ends(*texts: str | None) -> Iterator[str]:
    for text in texts:
        for use in parse(text).paths if text is not None else ():
            if use.steps[0] not in ("http", "fault") and isinstance(use.steps[-1], str):
                yield use.steps[-1]
