"""What comes before a call at a real sandbox: the steps of the file's own and the uploads, made in their order as a worker makes them.

Promises: a call is recorded only after everything before it was done, so that a recording shows what production will send; what was not
accepted ends the rehearsal of that call, and says which step it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from adapters.adapter import Adapter, AttachmentsGo
from adapters.context import MessageContext
from agencies.dry_run import UPLOAD, DryRun, Kept, circumstances_of
from connectors.base import Connector
from domain.outcome import OutcomeKind

_FILES = {"submit": AttachmentsGo.UPLOADED_BEFORE, "attachment": AttachmentsGo.UPLOADED_AFTER}
"""The call before which files are uploaded, by how they go."""


class NotRehearsed(Exception):
    """What comes before a call did not succeed. The text says which step, and what it came to."""


async def rehearse(
    run: DryRun, adapter: Adapter, connector: Connector, step: str, message: MessageContext, case_id: str
) -> Kept:
    """Make what comes before a step; what the answers kept. Raises NotRehearsed, CannotBuild and ConnectorError."""
    kept: dict[str, Mapping[str, str]] = {}
    for name, own, number in _before(adapter, step, message, kept):
        files = () if number is None else (message.attachments[number - 1],)
        # One file at a time: the step takes the first of the message.
        about = replace(message, attachments=files) if files else message
        reply = await connector.send(run.call(name, about, case_id, kept))
        outcome = adapter.read_write(name, reply, message, circumstances_of(kept))
        if outcome.kind is not OutcomeKind.ACCEPTED:
            raise NotRehearsed(f"`{name}` before it came to {outcome.kind.value}: {outcome.text}")
        kept[own] = outcome.kept
    return kept


def _before(adapter: Adapter, step: str, message: MessageContext, kept: Kept) -> Iterator[tuple[str, str, int | None]]:
    """The steps before a step: by which name they are called, by which name what they keep is kept, and which file they take."""
    around = step == "submit" or any(one.name == step for one in adapter.plan.before)
    for one in adapter.plan.before if around else adapter.before(step):
        if one.name == step:
            return
        if adapter.is_wanted(one, message, circumstances_of(kept)):
            yield (one.name if around else f"{step}.{one.name}"), one.name, None
    if adapter.plan.attachments_go is _FILES.get(step):
        # An attachment's own call takes the first file.
        files = message.attachments if around else message.attachments[:1]
        for number in range(1, len(files) + 1):
            yield UPLOAD, f"{UPLOAD}.{number}", number
