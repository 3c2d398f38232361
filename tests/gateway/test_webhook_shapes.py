"""Webhooks as real systems send them, by the agency file alone: how they are proved, what their bodies are, what their senders want to hear."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import create_engine, select

from adapters.adapter import Adapter
from adapters.feed import PageItem
from agencies.registry import Registry
from domain.status import Status
from gateway.settings import Settings
from store.home import Home
from store.tables import InboxRow
from tests.gateway.conftest import run_gateway
from tests.gateway.tiny_schema import tiny_schema, tiny_table

SECRET = "shared-word"
WEBHOOKS = {
    "city-roads": """
        token: {header: Authorization, prefix: "Bearer ", secret: "${WORKS_SECRET}"}
        each: events
        case_id: item.case
        state: item.state
        replies: {status: "200", body: '{"result": "ok"}', media_type: application/json}
    """,
    "housing-inspection": """
        basic: {username: works, password: "${WORKS_SECRET}"}
        addresses: [127.0.0.0/8, "::1"]
        format: form
        inside: payload
        case_id: item.case.id
        state: item.case.state
    """,
    "road-ministry": """
        signature: {header: X-Hub-Signature, algorithm: hmac-sha1, signed: body, written: base64, secret: "${WORKS_SECRET}"}
        format: xml
        each: Notify.Case
        case_id: item["@Number"]
        state: item.State
        note: item.Remark
        replies: {status: "200", body: "<Ok/>", media_type: text/xml; charset=utf-8}
    """,
    "sport-ministry": """
        addresses: [192.0.2.0/24]
        case_id: item.case
        state: item.state
    """,
}


def agency_file(code: str, webhook: str) -> str:
    head = f"""
        version: 1
        agency:
          code: {code}
          name: {{ru: Работы, en: Works}}
          owner: it@works.example
          timezone: Europe/Moscow
          receives: [roads/*]
        connection: {{protocol: rest, address: "http://127.0.0.1:9"}}
        submit:
          request: POST /cases
          when_answer_is_lost: ask-a-person
          send: {{reference: message.reference}}
          answer: {{case_id: id, outcome: {{from: http.status, accepted: ["201"]}}}}
        status:
          means: {{work: in_progress}}
          webhook:
    """
    return textwrap.dedent(head) + textwrap.indent(textwrap.dedent(webhook), "    ")


@pytest.fixture(scope="module")
def config(config_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The house's reference data with agencies that post to us in ways of their own."""
    folder = tmp_path_factory.mktemp("shapes") / "config"
    shutil.copytree(config_folder, folder, ignore=shutil.ignore_patterns("agencies"))
    (folder / "agencies").mkdir()
    for code, webhook in WEBHOOKS.items():
        (folder / "agencies" / f"{code}.yaml").write_text(agency_file(code, webhook), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def home(config: Path, gateway_database: str, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("shapes-home"), config, gateway_database)


@pytest.fixture(scope="module")
def address(home: Home) -> Iterator[str]:
    settings = Settings(trusted_documents=tiny_table(home.folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKS_SECRET", SECRET)
        with run_gateway(home, settings, tiny_schema()) as (address, _):
            yield address


def kept(home: Home, code: str) -> list[bytes]:
    engine = create_engine(home.external_database_url or "")
    with engine.connect() as connection:
        rows = connection.execute(
            select(InboxRow.raw).where(InboxRow.organisation_code == code).order_by(InboxRow.id)
        ).all()
    engine.dispose()
    return [bytes(row.raw) for row in rows]


async def post(address: str, code: str, body: bytes, **headers: str) -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{address}/agencies/{code}/events", data=body, headers=headers) as response,
    ):
        return response.status, response.headers.get("content-type", ""), await response.text()


def adapter(config: Path, code: str) -> Adapter:
    registry = Registry.load(config, variables={"WORKS_SECRET": SECRET})
    assert registry.faults == ()
    return registry.adapter(code)


def read(config: Path, code: str, body: bytes) -> list[PageItem]:
    return adapter(config, code).read_webhook(body)


async def test_a_token_in_a_header_proves_a_list_and_the_sender_hears_what_it_wants(
    address: str, home: Home, config: Path
) -> None:
    body = b'{"events": [{"case": "1", "state": "work"}, {"case": "2", "state": "work"}, {"case": "3"}]}'
    assert await post(address, "city-roads", body, Authorization=f"Bearer {SECRET}") == (
        200,
        "application/json",
        '{"result": "ok"}',
    )
    assert kept(home, "city-roads") == [body]
    for wrong in ({}, {"Authorization": SECRET}, {"Authorization": "Bearer word"}):
        assert (await post(address, "city-roads", body, **wrong))[0] == 401
    assert kept(home, "city-roads") == [body]
    one, two, broken = read(config, "city-roads", body)
    assert [item.change.case_id for item in (one, two) if item.change] == ["1", "2"]
    assert broken.fault == "`state` is missing"


async def test_a_login_and_an_address_together_prove_a_form_with_json_inside(
    address: str, home: Home, config: Path
) -> None:
    body = b"token=x&payload=%7B%22case%22%3A+%7B%22id%22%3A+%227%22%2C+%22state%22%3A+%22work%22%7D%7D"
    shown = base64.b64encode(f"works:{SECRET}".encode()).decode()
    assert (await post(address, "housing-inspection", body, Authorization=f"Basic {shown}"))[0] == 202
    assert (await post(address, "housing-inspection", body, Authorization="Basic bm90OnRoaXM="))[0] == 401
    assert kept(home, "housing-inspection")[-1] == body
    (item,) = read(config, "housing-inspection", body)
    assert item.change is not None
    assert (item.change.case_id, item.change.means) == ("7", Status.IN_PROGRESS)


async def test_a_body_signed_without_a_timestamp_may_be_xml_or_an_envelope(
    address: str, home: Home, config: Path
) -> None:
    inner = '<n:Notify xmlns:n="urn:x"><n:Case Number="5"><n:State>work</n:State><n:Remark>Едут</n:Remark></n:Case></n:Notify>'
    envelope = f'<s:Envelope xmlns:s="urn:soap"><s:Header/><s:Body>{inner}</s:Body></s:Envelope>'
    for text in (inner, envelope, f'<?xml version="1.0" encoding="windows-1251"?>{inner}'):
        body = text.encode("windows-1251" if "1251" in text else "utf-8")
        digest = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha1).digest()).decode()
        status, media_type, said = await post(address, "road-ministry", body, **{"X-Hub-Signature": digest})
        assert (status, media_type, said) == (200, "text/xml; charset=utf-8", "<Ok/>")
        assert (await post(address, "road-ministry", body + b" ", **{"X-Hub-Signature": digest}))[0] == 401
        (item,) = read(config, "road-ministry", kept(home, "road-ministry")[-1])
        assert item.change is not None
        assert (item.change.case_id, item.change.note) == ("5", "Едут")


async def test_an_address_that_was_not_agreed_is_refused_whatever_it_claims(address: str, home: Home) -> None:
    body = b'{"case": "1", "state": "work"}'
    for claimed in ({}, {"X-Forwarded-For": "192.0.2.7"}):
        assert (await post(address, "sport-ministry", body, **claimed))[0] == 401
    assert kept(home, "sport-ministry") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Notify>&x;</Notify>',
        b'<!DOCTYPE a [<!ENTITY a "1"><!ENTITY b "&a;&a;">]><Notify>&b;</Notify>',
        b"<Notify>" + b"<a>" * 200 + b"</a>" * 200 + b"</Notify>",
        b'<s:Envelope xmlns:s="urn:soap"><s:Body/></s:Envelope>',
        b"<Other/>",
    ],
)
def test_xml_that_is_none_or_dangerous_is_one_item_for_a_person(config: Path, body: bytes) -> None:
    (item,) = read(config, "road-ministry", body)
    assert item.change is None
    assert item.fault
    assert "passwd" not in item.fault


@pytest.mark.parametrize(
    "body", [b"\xff", b"a", b"payload", b"payload=%7B", b"other=1", b"payload=1&payload=2", b"&".join([b"a=1"] * 1001)]
)
def test_a_form_that_is_none_is_one_item_for_a_person(config: Path, body: bytes) -> None:
    (item,) = read(config, "housing-inspection", body)
    assert item.fault


def test_without_a_signed_timestamp_an_old_webhook_is_still_proved(config: Path) -> None:
    """Somebody who heard it can send it again; it is one event all the same. The file's author chooses, and `signed:` says so."""
    body = b"<Notify/>"
    digest = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha1).digest()).decode()
    adapter(config, "road-ministry").verify_webhook({"x-hub-signature": digest, "x-timestamp": "1"}, body)
