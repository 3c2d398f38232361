"""Messages of every kind arrive as the file says, once, and what the agency does not take is refused without harm."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.adapter import AttachmentContext, Found, NotFound
from adapters.building import CannotBuild
from adapters.plan import Step
from domain.outcome import OutcomeKind, WhenAnswerIsLost
from domain.status import Status
from tests.standard_suite.stages import FromFile, takes_attachments_apart, texts_of

TEXTS = {
    "ordinary": "A deep hole at the stop.",
    "Cyrillic": "Глубокая яма у остановки «Площадь Победы», ёлки и Йод.",
    "long dash and ellipsis": "Яма — глубокая… очень — “очень” глубокая №5",
    "emoji": "Яма 🕳 и лужа 💧, флаг 🇷🇺, семья 👨‍👩‍👧, 5 000 ₽",
    "markup": "<b>яма</b> & лужа ]]> &amp; \"в кавычках\" 'и так' <script>alert(1)</script>",
    "illegal in XML": "Яма\x00 \x01тут\x0b и\x1f там \ud800 конец\ufffe",
    "line ends": "первая\r\nвторая\rтретья\nчетвёртая",
    "longest": "ы" * 20_000,
}


@pytest.mark.parametrize("kind", TEXTS)
async def test_a_text_arrives_as_the_file_says_or_is_not_sent_at_all(stage: FromFile, kind: str) -> None:
    """Q27, Q28, Q29: lengths, charsets, line ends; what the rows make of a text is what the agency holds."""
    message = stage.message("26-0001-2345-8", text=TEXTS[kind], subject=TEXTS[kind].split("\n")[0][:300])
    outcome = await stage.submit(message)
    if outcome.kind is not OutcomeKind.ACCEPTED:
        # The file has no way to write what XML forbids: then nothing left this house.
        assert kind == "illegal in XML"
        assert "submit" not in stage.fake.calls
        return
    (case,) = stage.ledger.cases.values()
    sent = texts_of(stage.adapter.submit_call(message))
    held = {_as_kept(text) for text in case.created.texts}
    missing = {_as_kept(text) for text in sent if "‹" not in text} - held
    assert not [text[:80] for text in missing]


async def test_a_message_with_nothing_optional_is_taken(stage: FromFile) -> None:
    bare = stage.message("26-0001-2345-8", latitude=None, longitude=None, address=None, territory=None, accuracy_m=None)
    assert (await stage.submit(bare)).kind is OutcomeKind.ACCEPTED


async def test_two_photos_arrive_once_each(stage: FromFile) -> None:
    """Q30, Q50: names that systems stumble over, and no photo twice."""
    if not takes_attachments_apart(stage):
        pytest.skip("attachments are no calls of their own here")
    message = stage.message("26-0001-2345-8")
    case_ids = (await stage.submit(message)).case_ids
    photos = [_photo(b"\xff\xd8\xff first"), _photo(b"\xff\xd8\xff second")]
    for photo in (*photos, photos[0]):
        outcome = await stage.write(Step.ATTACHMENT, message, case_ids=case_ids, item=photo)
        assert outcome.kind is OutcomeKind.ACCEPTED, outcome.text
    (case,) = stage.ledger.cases.values()
    expected = 2 if stage.adapter.when_lost(Step.ATTACHMENT) is WhenAnswerIsLost.RESEND else 3
    assert len(case.pieces["attachment"]) == expected


async def test_a_photo_over_the_limit_is_not_even_tried(stage: FromFile) -> None:
    limits = stage.adapter.attachment_limits
    if limits.max_bytes is None:
        pytest.skip("the file names no limit")
    assert stage.adapter.why_not_attach("application/pdf", limits.max_bytes + 1, 0) is not None
    assert stage.adapter.why_not_attach("image/jpeg", limits.max_bytes, 0) is None


async def test_the_same_reference_twice_makes_one_case_where_the_file_would_send_again(stage: FromFile) -> None:
    """Q8, Q52: `resend` stands only where the agency recognises a repeat."""
    message = stage.message("26-0001-2345-8")
    outcomes = [await stage.submit(message) for _ in range(2)]
    assert all(one.kind is OutcomeKind.ACCEPTED for one in outcomes)
    if stage.adapter.when_answer_is_lost is WhenAnswerIsLost.RESEND:
        assert len(stage.ledger.cases) == 1
        assert outcomes[0].case_ids == outcomes[1].case_ids


async def test_a_look_up_finds_our_case_and_no_other(stage: FromFile) -> None:
    """Q18, Q37: whatever the agency's own filter does."""
    if not stage.adapter.supports(Step.LOOK_UP):
        pytest.skip("the agency cannot be asked")
    ours, other = stage.message("26-0001-2345-8"), stage.message("26-0001-9999-1")
    await stage.submit(other)
    assert await stage.look_up(ours) == NotFound()
    case_id = (await stage.submit(ours)).case_id
    found = await stage.look_up(ours)
    assert isinstance(found, Found)
    assert found.case_ids["case_id"] == case_id


@pytest.mark.parametrize(("fault", "kind"), [("refused", OutcomeKind.REFUSED), ("busy", OutcomeKind.TRY_LATER)])
async def test_what_the_agency_does_not_do_is_read_as_that(stage: FromFile, fault: str, kind: OutcomeKind) -> None:
    """Q6, Q54: refused is not the same as come later."""
    # Twice: a refusal that looks like the end of a session is asked once more after signing in anew.
    await stage.disturb(fault, times=2)
    outcome = await stage.submit(stage.message("26-0001-2345-8"))
    assert outcome.kind in (kind, OutcomeKind.UNKNOWN)
    listed = {verdict.value for verdict in stage.adapter.plan.submit.reading.verdicts.values()}
    if {"refused": "refused", "busy": "try_later"}[fault] in listed:
        assert outcome.kind is kind
    assert not stage.ledger.cases


async def test_wrong_credentials_make_no_case_and_are_no_refusal_of_the_message(stage: FromFile) -> None:
    if not stage.file.connection.securities:
        pytest.skip("the file signs in with nothing")
    stranger = stage.stranger()
    outcome = await stage.submit(stage.message("26-0001-2345-8"), stranger)
    await stranger.close()
    assert outcome.kind in (OutcomeKind.TRY_LATER, OutcomeKind.UNKNOWN), outcome.text
    assert not stage.ledger.cases


async def test_a_withdrawal_is_done_once_and_refused_after_the_answer(stage: FromFile) -> None:
    if not stage.adapter.supports(Step.WITHDRAW):
        pytest.skip("the agency knows no withdrawal")
    first, second = stage.message("26-0001-2345-8"), stage.message("26-0001-9999-1")
    ids, answered = [(await stage.submit(one)).case_ids for one in (first, second)]
    kinds = [(await stage.write(Step.WITHDRAW, first, case_ids=ids)).kind for _ in range(2)]
    assert kinds == [OutcomeKind.ACCEPTED] * 2
    await stage.move(answered["case_id"], Status.ANSWERED, answer="Сделано")
    late = await stage.write(Step.WITHDRAW, second, case_ids=answered)
    assert late.kind in (OutcomeKind.REFUSED, OutcomeKind.UNKNOWN)


OTHERS: Mapping[Step, Mapping[str, Mapping[str, Any]]] = {
    Step.ADD_COMMENT: {"comment": {"id": "c-1", "text": "Ещё раз — яма"}},
    Step.REOPEN: {"reopening": {"reason": "not_done", "text": "Не сделано", "round": 2}},
    Step.SET_PRIORITY: {"priority": {"value": "high"}},
}


@pytest.mark.parametrize("step", OTHERS)
async def test_what_else_the_file_offers_is_accepted(stage: FromFile, step: Step) -> None:
    if not stage.adapter.supports(step):
        pytest.skip("the file does not describe it")
    message = stage.message("26-0001-2345-8")
    case_ids = (await stage.submit(message)).case_ids
    outcome = await stage.write(step, message, case_ids=case_ids, roots=OTHERS[step])
    assert outcome.kind is OutcomeKind.ACCEPTED, outcome.text


async def test_an_expression_that_fails_sends_nothing(stage: FromFile) -> None:
    """A category that no table has: the file must be mended, and the agency is not troubled."""
    message = stage.message("26-0001-2345-8", category="no/such-category")
    try:
        stage.adapter.submit_call(message)
    except CannotBuild:
        assert (await stage.submit(message)).kind is OutcomeKind.TRY_LATER
        assert not stage.ledger.cases


def _as_kept(text: str) -> str:
    """As systems keep texts: one kind of line end, and a sign in place of what no database holds."""
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _photo(content: bytes) -> AttachmentContext:
    digest = hashlib.sha256(content).hexdigest()
    return AttachmentContext(digest[:8], "Фото «двора» №1.JPG", "image/jpeg", len(content), digest, content)
