"""The steps of a delivery by name and in order: which is next, what earlier ones kept, which files the agency takes.

Promises: pure; the order is the file's; a step that is done is never next, and one that this message does not need is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from adapters.adapter import Adapter, AttachmentsGo, Circumstances, MessageContext, NamedStep, Step
from domain.delivery import DeliveryState, Purpose
from domain.subject import subject_of
from store.deliveries import LOOK_UP_STEP, DueDelivery, StoredAttachment

SUBMIT_STEP = "submit"
CASE_STEP = "case"
"""Done when a case whose number came late is known (Q10)."""
NOTHING_LEFT = "nothing_left"
"""Nothing is to be sent any more, such as after the file said that the agency takes no attachments."""
ATTACHMENT = "attachment:"
UPLOAD = "upload:"
BEFORE = "before:"
THEN = "then:"
RESEND = "resend:"
"""`resend:submit` holds by which rule the step is made once more, changed (Q11)."""
_ROOTS = {Purpose.ADD_COMMENT: "comment", Purpose.REOPEN: "reopening", Purpose.SET_PRIORITY: "priority"}
"""By which root the expressions of a wish see what the citizen wishes."""
_NO_CATEGORY = ("other/other", "Прочее")


def next_step(adapter: Adapter, delivery: DueDelivery) -> str:
    """The first step that is not done; a delivery whose outcome is unknown is looked up first."""
    if delivery.state is DeliveryState.LOOKING_UP:
        return LOOK_UP_STEP
    return next(steps_left(adapter, delivery, delivery.steps_done), NOTHING_LEFT)


def steps_left(adapter: Adapter, delivery: DueDelivery, done: Collection[str]) -> Iterator[str]:
    """The names of the steps still to be made, in order."""
    yield from (name for name in _steps(adapter, delivery) if name not in done)


def _steps(adapter: Adapter, delivery: DueDelivery) -> Iterator[str]:
    if delivery.purpose is Purpose.ADD_ATTACHMENT and adapter.supports(delivery.purpose):
        yield from _added_files(adapter, delivery)
        return
    if delivery.purpose is not Purpose.SUBMIT:
        yield from _steps_of_wish(adapter, delivery)
        return
    plan, go = adapter.plan, adapter.plan.attachments_go
    taken = [file.id for file in delivery.attachments if file.id not in left_out(adapter, delivery)]
    yield from (BEFORE + one.name for one in plan.before if _is_wanted(adapter, one, delivery))
    if go is AttachmentsGo.UPLOADED_BEFORE:
        yield from (f"{UPLOAD}{file}" for file in taken)
    yield SUBMIT_STEP
    if adapter.case_id_comes_later and adapter.supports(Step.LOOK_UP) and not delivery.case_ids:
        yield CASE_STEP
    yield from (THEN + one.name for one in plan.then if _is_wanted(adapter, one, delivery))
    if go in (AttachmentsGo.AFTER, AttachmentsGo.UPLOADED_AFTER):
        for file in taken:
            yield from _steps_of_file(adapter, delivery, file)


def _steps_of_wish(adapter: Adapter, delivery: DueDelivery) -> Iterator[str]:
    """The steps of a wish, its own call last. What is only read before them is no step: see `reads_before`."""
    wish = delivery.purpose.value.lower()
    for one in adapter.before(wish):
        if not one.step.sending.safe and _is_wanted(adapter, one, delivery):
            yield f"{BEFORE}{wish}.{one.name}"
    yield wish


def reads_before(adapter: Adapter, delivery: DueDelivery, step: str) -> Iterator[tuple[str, NamedStep]]:
    """What is read at once before a call of a wish or of an attachment, with its name: an edition read earlier may be none any more."""
    kind, _, rest = step.partition(":")
    wish, _, own = rest.rpartition(".") if kind == Step.BEFORE else (kind, "", "")
    for one in adapter.before(wish):
        if one.name == own:
            return
        if one.step.sending.safe and _is_wanted(adapter, one, delivery):
            yield f"{BEFORE}{wish}.{one.name}", one


def _steps_of_file(adapter: Adapter, delivery: DueDelivery, file: UUID) -> Iterator[str]:
    if adapter.plan.attachments_go is AttachmentsGo.UPLOADED_AFTER:
        yield f"{UPLOAD}{file}"
    if not _upload_refused(delivery, file):
        yield f"{ATTACHMENT}{file}"


def _added_files(adapter: Adapter, delivery: DueDelivery) -> Iterator[str]:
    unwanted = left_out(adapter, delivery)
    for file in own_files(delivery):
        if file.id not in unwanted:
            yield from _steps_of_file(adapter, delivery, file.id)


def own_files(delivery: DueDelivery) -> list[StoredAttachment]:
    """The files this delivery brings, where it brings files that were added later. Those before them count for the agency's limits only."""
    return [one for one in delivery.attachments if one.delivery_id == delivery.id]


def _is_wanted(adapter: Adapter, step: NamedStep, delivery: DueDelivery) -> bool:
    if step.when is None:
        return True
    circumstances = Circumstances(steps=kept(delivery))
    return adapter.is_wanted(step, message_context(delivery), circumstances, delivery.case_ids)


def _upload_refused(delivery: DueDelivery, file: UUID) -> bool:
    return "refused" in delivery.steps_done.get(f"{UPLOAD}{file}", {})


def left_out(adapter: Adapter, delivery: DueDelivery) -> Mapping[UUID, str]:
    """The attachments that the agency does not take, each with a reason."""
    limits = adapter.attachment_limits
    reasons: dict[UUID, str] = {}
    taken, total = 0, 0
    for file in delivery.attachments:
        reason = adapter.why_not_attach(file.media_type, file.size_bytes, taken)
        size = min(file.size_bytes, limits.max_bytes or file.size_bytes)
        if reason is None and limits.max_bytes_in_all is not None and total + size > limits.max_bytes_in_all:
            reason = f"the agency takes files of at most {limits.max_bytes_in_all} bytes together"
        if reason is None:
            taken, total = taken + 1, total + size
        else:
            reasons[file.id] = reason
    return reasons


def kept(delivery: DueDelivery) -> dict[str, Mapping[str, str]]:
    """What the answers to finished steps kept, by the names that expressions use."""
    found: dict[str, Mapping[str, str]] = {}
    for name, result in delivery.steps_done.items():
        kind, _, rest = name.partition(":")
        if kind in (Step.BEFORE, Step.THEN, Step.SUBMIT) and result.get("kept"):
            found[rest.rpartition(".")[2] or kind] = result["kept"]
    return found


def uploaded(delivery: DueDelivery, file: StoredAttachment) -> Mapping[str, str]:
    """What the answer to a file's upload kept; empty before it is uploaded."""
    result = delivery.steps_done.get(f"{UPLOAD}{file.id}", {}).get("kept")
    return result if isinstance(result, dict) else {}


def wish_of(delivery: DueDelivery) -> dict[str, Mapping[str, object]]:
    """What a wish says, under the root its expressions name; nothing for other purposes."""
    root = _ROOTS.get(delivery.purpose)
    if root is None:
        return {}
    body: dict[str, object] = dict(delivery.body or {})
    if isinstance(at := body.get("at"), str):
        body["at"] = datetime.fromisoformat(at)
    return {root: body}


def named_step(adapter: Adapter, step: str) -> NamedStep | None:
    """The step of the file's own that a name of the ledger stands for."""
    kind, _, rest = step.partition(":")
    if kind not in (Step.BEFORE, Step.THEN):
        return None
    return adapter.named_step(rest)


def message_context(delivery: DueDelivery) -> MessageContext:
    """The message in the words an agency file may use."""
    row = delivery.message
    received_at: datetime = row["received_at"]
    return MessageContext(
        reference=row["reference"],
        id=str(row["id"]),
        subject=subject_of(row["text"]),
        text=row["text"],
        category=row["category_code"] or _NO_CATEGORY[0],
        category_name=row["category_name"] or _NO_CATEGORY[1],
        received_at=received_at,
        latitude=row["latitude"],
        longitude=row["longitude"],
        accuracy_m=row["accuracy_m"],
        address=row["address"],
        territory=row["territory_code"],
        attachments_count=len(delivery.attachments),
        channel=row["channel"].value.lower(),
    )
