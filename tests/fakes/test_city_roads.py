"""The road agency's machine side keeps its word: the real process over real HTTP."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import zeep
from lxml import etree
from zeep.wsse.username import UsernameToken

from tests.fakes.city_roads.case_rules import KINDS
from tests.fakes.city_roads_client import MODULE, Client, a_case, envelope
from tests.fakes.serving import AgencyProcess

ZeepClient: Any = zeep.Client
ZeepToken: Any = UsernameToken
STRICT = zeep.Settings(strict=True)
FOLDER = Path(__file__).resolve().parents[2] / "config/agencies/city-roads"


@pytest_asyncio.fixture(scope="module")
async def agency(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess(MODULE).start(tmp_path_factory.mktemp("roads"))
    yield process
    await process.stop()


@pytest.fixture(scope="module")
def client(agency: AgencyProcess) -> Client:
    return Client(agency.origin)


# --- the contract ----------------------------------------------------------------------------------------------------


def test_the_wsdl_gives_a_strict_client_the_wrapped_signatures() -> None:
    loaded = ZeepClient(str(FOLDER / "cases.wsdl"), settings=STRICT)
    operations = loaded.service._binding._operations
    wrapped = {name: [field for field, _ in one.input.body.type.elements] for name, one in operations.items()}
    assert wrapped == {
        "CreateCase": ["case"],
        "AddPhoto": ["CaseNumber", "FileName", "Content"],
        "FindCases": ["ExternalId"],
        "GetCase": ["CaseNumber"],
        "WithdrawCase": ["CaseNumber", "Reason"],
        "GetChanges": ["Since"],
    }
    new_case = loaded.get_type("{urn:city-roads:cases:1}NewCase")
    assert [field for field, _ in new_case.elements] == list(a_case("x"))
    assert {one.style for one in operations.values()} == {"document"}
    assert {name: one.soapaction for name, one in operations.items()} == {
        name: f"urn:city-roads:cases:1/{name}" for name in wrapped
    }


@pytest.mark.parametrize("use_digest", [False, True])
async def test_a_client_made_from_the_served_wsdl_can_create_and_find(agency: AgencyProcess, use_digest: bool) -> None:
    external_id = f"ZEEP-{use_digest}"
    case = {**a_case(external_id), "CreatedAt": datetime(2026, 7, 1, 12)}

    def by_zeep() -> tuple[str, str]:
        token = ZeepToken("okno", "roads-secret", use_digest=use_digest)
        with ZeepClient(f"{agency.origin}/soap?wsdl", wsse=token, settings=STRICT) as made:
            created = made.service.CreateCase(case=case)
            found = made.service.FindCases(ExternalId=external_id)
            return created.CaseNumber, found[0].CaseNumber  # zeep opens a result that holds one list

    created, found = await asyncio.to_thread(by_zeep)
    assert created == found
    assert (await agency.operator.cases(external_id))[0]["id"] == created


async def test_every_answer_is_valid_by_the_xsd(agency: AgencyProcess, client: Client) -> None:
    schema = etree.XMLSchema(etree.parse(str(FOLDER / "cases.xsd")))
    number = (await client.create("XSD-1")).text("CaseNumber")
    await agency.operator.answer(number, "Сделано")
    answers = [
        await client.create("XSD-1"),
        await client.add_photo(number, "a.jpg", b"a"),
        await client.find("XSD-1"),
        await client.case("CR-000001"),
        await client.case("CR-999999"),
        await client.withdraw(number),
        await client.changes(),
    ]
    for answer in answers:
        schema.assertValid(answer.envelope[0][0])


# --- creating a case -------------------------------------------------------------------------------------------------


async def test_a_case_is_kept_as_it_was_sent(agency: AgencyProcess, client: Client) -> None:
    answer = await client.create("KEPT-1")
    assert (answer.code, answer.text("CaseNumber")[:3]) == ("0", "CR-")
    (case,) = await agency.operator.cases("KEPT-1")
    assert case["id"] == answer.text("CaseNumber")
    assert (case["state"], case["kind"], case["photo_count"]) == ("1", "0412", 1)
    assert (case["title"], case["text"]) == (a_case("")["Subject"], a_case("")["Text"])
    place = {"lat": 54.5138, "lon": 36.2612, "address": "Калуга, улица Ленина, 5", "territory": "29701000"}
    assert case["place"] == place
    assert case["received_at"] == "2026-07-01T12:00:00"


async def test_case_numbers_are_sequential_and_a_repeat_uses_none_up(client: Client) -> None:
    first = (await client.create("SEQ-1")).text("CaseNumber")
    await client.create("SEQ-1")
    second = (await client.create("SEQ-2")).text("CaseNumber")
    assert int(second.removeprefix("CR-")) == int(first.removeprefix("CR-")) + 1


async def test_a_repeated_create_returns_the_first_case_number(agency: AgencyProcess, client: Client) -> None:
    first = await client.create("REPEAT-1")
    before = await agency.operator.counts()
    second = await client.create("REPEAT-1", Subject="Другие слова")
    assert (second.code, second.text("CaseNumber")) == ("17", first.text("CaseNumber"))
    assert await agency.operator.counts() == before


async def test_twenty_creates_at_once_with_one_external_id_make_one_case(agency: AgencyProcess, client: Client) -> None:
    answers = await asyncio.gather(*(client.create("RACE-1") for _ in range(20)))
    assert sorted(answer.code for answer in answers) == ["0"] + ["17"] * 19
    assert len({answer.text("CaseNumber") for answer in answers}) == 1
    assert len(await agency.operator.cases("RACE-1")) == 1


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("Kind", "0411", "10"), ("District", "45301000", "11"), ("District", "38701000", "0"), ("District", None, "0")],
)
async def test_kind_and_district_decide_whether_a_case_is_taken(
    agency: AgencyProcess, client: Client, field: str, value: str | None, code: str
) -> None:
    external_id = f"TAKEN-{field}-{value}"
    assert (await client.create(external_id, **{field: value})).code == code
    assert len(await agency.operator.cases(external_id)) == (code == "0")


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_the_catalogue_is_taken(client: Client, kind: str) -> None:
    assert (await client.create(f"KIND-{kind}", Kind=kind)).code == "0"


async def test_only_the_first_five_fields_are_required(client: Client) -> None:
    optional = dict.fromkeys(["Latitude", "Longitude", "Address", "District", "PhotoCount"])
    assert (await client.create("SHORT-1", **optional)).code == "0"


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("Subject", None, "Subject"),
        ("Subject", "", "Subject"),
        ("Subject", "я" * 121, "Subject"),
        ("Text", "я" * 4001, "Text"),
        ("ExternalId", "x" * 41, "ExternalId"),
        ("Kind", "412", "Kind"),
        ("Kind", "٠٤١٢", "Kind"),
        ("CreatedAt", "2026-07-01T12:00:00Z", "CreatedAt"),
        ("CreatedAt", "2026-07-01T12:00:00+03:00", "CreatedAt"),
        ("CreatedAt", "2026-02-30T12:00:00", "CreatedAt"),
        ("District", "2970100", "District"),
        ("Latitude", "91", "Latitude"),
        ("PhotoCount", "-1", "PhotoCount"),
        ("Unknown", "x", "Unknown"),
    ],
)
async def test_a_field_against_the_xsd_is_a_client_fault_that_names_it(
    agency: AgencyProcess, client: Client, field: str, value: str | None, named: str
) -> None:
    before = await agency.operator.counts()
    status, code, text = (await client.create("WRONG-1", **{field: value})).fault
    assert (status, code) == (500, "soap:Client")
    assert named in text
    assert await agency.operator.counts() == before


async def test_fields_in_another_order_are_a_client_fault(client: Client) -> None:
    fields = "".join(f"<c:{name}>{value}</c:{name}>" for name, value in reversed(a_case("ORDER-1").items()))
    assert (await client.call("CreateCase", f"<c:case>{fields}</c:case>")).fault[:2] == (500, "soap:Client")


@pytest.mark.parametrize("field", ["Subject", "Text", "Address"])
async def test_a_character_outside_windows_1251_is_a_server_fault_and_nothing_is_stored(
    agency: AgencyProcess, client: Client, field: str
) -> None:
    status, code, text = (await client.create("EMOJI-1", **{field: "Яма 🕳"})).fault
    assert (status, code) == (500, "soap:Server")
    assert "ORA-12899" in text
    assert "Яма" not in text
    assert await agency.operator.cases("EMOJI-1") == []


# --- signing in ------------------------------------------------------------------------------------------------------

FAILED_AUTHENTICATION = (500, "wsse:FailedAuthentication")


@pytest.mark.parametrize(("user", "password"), [("okno", "wrong"), ("other", "roads-secret"), ("okno", "")])
async def test_a_wrong_password_is_refused(agency: AgencyProcess, user: str, password: str) -> None:
    stranger = Client(agency.origin, user, password)
    assert (await stranger.find("x")).fault[:2] == FAILED_AUTHENTICATION
    digest = stranger.digest_token()
    wanted = "<c:ExternalId>x</c:ExternalId>"
    assert (await stranger.call("FindCases", wanted, digest)).fault[:2] == FAILED_AUTHENTICATION


async def test_a_call_without_a_token_is_refused_before_its_body_is_judged(client: Client) -> None:
    assert (await client.call("CreateCase", "", token="")).fault[:2] == FAILED_AUTHENTICATION


async def test_a_digest_works_once(client: Client) -> None:
    wanted, token = "<c:ExternalId>x</c:ExternalId>", client.digest_token()
    assert (await client.call("FindCases", wanted, token)).status == 200
    assert (await client.call("FindCases", wanted, token)).fault[:2] == FAILED_AUTHENTICATION


@pytest.mark.parametrize(("minutes", "works"), [(-4, True), (-6, False), (6, False)])
async def test_a_digest_is_good_for_five_minutes(client: Client, minutes: int, works: bool) -> None:
    token = client.digest_token(datetime.now(UTC) + timedelta(minutes=minutes))
    answer = await client.call("FindCases", "<c:ExternalId>x</c:ExternalId>", token)
    assert (answer.status == 200) is works


# --- what is not a request -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prologue", ["", "<?xml version='1.0'?>", "\n<!-- a --><?b c?>\n", "\ufeff<?xml version='1.0' encoding='utf-8'?>"]
)
async def test_a_dtd_is_refused(client: Client, prologue: str) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    inside = envelope("<c:FindCases><c:ExternalId>&e;</c:ExternalId></c:FindCases>", client.text_token())
    _, _, rest = inside.decode().partition("?>")
    status, code, text = (await client.post((prologue + bomb + rest).encode(), "FindCases")).fault
    assert (status, code) == (500, "soap:Client")
    assert "DTD" in text


async def test_the_words_of_a_dtd_inside_a_text_are_only_words(client: Client) -> None:
    assert (await client.create("DTD-1", Text="<!DOCTYPE html>")).code == "0"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"\x00\xff\xfe",
        b"<a/>",
        envelope("")[:-5],
        envelope(""),
        envelope("<c:FindCases/><c:FindCases/>"),
        envelope("<c:FindCases>\u044f</c:FindCases>").decode().encode("windows-1251"),
        envelope("").decode().encode("utf-16"),
        b"<a>" * 100_000,
        envelope("").replace(b"schemas.xmlsoap.org/soap/envelope", b"www.w3.org/2003/05/soap-envelope"),
    ],
)
async def test_what_is_not_an_envelope_is_a_fault_and_never_a_crash(client: Client, body: bytes) -> None:
    status, code, _ = (await client.post(body, "FindCases")).fault
    assert (status, code) in [(500, "soap:Client"), (500, "soap:VersionMismatch")]


async def test_the_soap_action_must_name_the_operation(client: Client) -> None:
    body = envelope("<c:FindCases><c:ExternalId>x</c:ExternalId></c:FindCases>", client.text_token())
    assert (await client.post(body, "CreateCase")).fault[:2] == (500, "soap:Client")
    assert (await client.post(body, "FindCases")).status == 200


async def test_an_unknown_operation_and_an_unknown_header_are_faults(client: Client) -> None:
    assert (await client.call("DropCase", "")).fault[:2] == (500, "soap:Client")
    header = client.text_token() + '<c:Transaction s:mustUnderstand="1"/>'
    answer = await client.call("FindCases", "<c:ExternalId>x</c:ExternalId>", header)
    assert answer.fault[:2] == (500, "soap:MustUnderstand")


async def test_another_content_type_and_a_too_large_request_are_refused(client: Client) -> None:
    json_type = {"Content-Type": "application/json"}
    assert (await client.raw(b"{}", "FindCases", json_type))[0] == 415
    assert (await client.raw(b" " * (40 * 1024 * 1024 + 1), "AddPhoto"))[0] == 413


# --- photos, search, withdrawal, changes -----------------------------------------------------------------------------


async def test_a_photo_is_kept_once_by_its_name(agency: AgencyProcess, client: Client) -> None:
    number = (await client.create("PHOTO-1")).text("CaseNumber")
    content = bytes(range(256)) * 1000
    assert (await client.add_photo(number, "photo-1.jpg", content)).code == "0"
    assert (await client.add_photo(number, "photo-1.jpg", b"other")).code == "17"
    assert (await client.add_photo(number, "photo-2.jpg", content)).code == "0"
    (case,) = await agency.operator.cases("PHOTO-1")
    sha256 = hashlib.sha256(content).hexdigest()
    kept = [{"name": f"photo-{n}.jpg", "sha256": sha256, "size_bytes": len(content)} for n in (1, 2)]
    assert case["files"] == kept


async def test_a_photo_with_a_name_that_is_not_ascii_is_a_server_fault(agency: AgencyProcess, client: Client) -> None:
    number = (await client.create("PHOTO-2")).text("CaseNumber")
    assert (await client.add_photo(number, "фото.jpg", b"x")).fault[:2] == (500, "soap:Server")
    assert (await agency.operator.cases("PHOTO-2"))[0]["files"] == []


async def test_a_photo_may_have_eight_megabytes_and_no_byte_more(client: Client) -> None:
    number = (await client.create("PHOTO-3")).text("CaseNumber")
    largest = b"x" * 8 * 1024 * 1024
    assert (await client.add_photo(number, "large.jpg", largest)).code == "0"
    assert (await client.add_photo(number, "larger.jpg", largest + b"x")).fault[:2] == (500, "soap:Client")


async def test_a_case_is_found_by_its_external_id_alone(client: Client) -> None:
    number = (await client.create("FIND-1")).text("CaseNumber")
    found = await client.find("FIND-1")
    assert (found.text("CaseNumber"), found.text("ExternalId"), found.text("State")) == (number, "FIND-1", "1")
    assert (await client.find("FIND-")).texts("Case") == []


async def test_a_case_is_read_as_it_stands_now_and_reading_changes_nothing(
    agency: AgencyProcess, client: Client
) -> None:
    number = (await client.create("READ-1")).text("CaseNumber")
    before = (await agency.operator.counts())["changes"]
    first = await client.case(number)
    assert (first.text("Code"), first.text("State"), first.texts("Remark")) == ("0", "1", [])
    await agency.operator.move(number, "2", "бригада № 5")
    later = await client.case(number)
    assert (later.text("CaseNumber"), later.text("State"), later.text("Remark")) == (number, "2", "бригада № 5")
    assert (await agency.operator.counts())["changes"] == before + 1
    assert (await client.case("CR-999999")).text("Code") == "20"


async def test_a_case_is_withdrawn_once_and_never_after_its_answer(agency: AgencyProcess, client: Client) -> None:
    number = (await client.create("WITHDRAW-1")).text("CaseNumber")
    assert (await client.withdraw(number, "Яма 🕳")).fault[:2] == (500, "soap:Server")
    assert (await client.withdraw(number)).code == "0"
    assert (await client.withdraw(number)).code == "17"
    assert (await client.find("WITHDRAW-1")).text("State") == "7"
    answered = (await client.create("WITHDRAW-2")).text("CaseNumber")
    await agency.operator.answer(answered, "Сделано")
    assert (await client.withdraw(answered)).code == "21"


async def test_an_unknown_case_number_is_code_20(client: Client) -> None:
    assert (await client.add_photo("CR-999999", "a.jpg", b"x")).code == "20"
    assert (await client.withdraw("CR-999999")).code == "20"


async def test_the_change_feed_is_ordered_and_includes_its_first_second(agency: AgencyProcess, client: Client) -> None:
    number = (await client.create("FEED-1")).text("CaseNumber")
    await asyncio.sleep(1.1)
    await agency.operator.move(number, "2")
    await agency.operator.answer(number, "Яма засыпана", "выполнено", "Иванов")
    everything = await client.changes()
    times = everything.texts("ChangedAt")
    assert times == sorted(times)
    mine = [entry for entry in everything.envelope.iterfind(".//{*}Change") if entry[0].text == number]
    assert [entry.findtext("{*}State") for entry in mine] == ["1", "2", "4"]
    assert mine[2].findtext("{*}Answer") == "Яма засыпана"
    assert mine[2].findtext("{*}Remark") == "выполнено; Иванов"
    last = times[-1]
    assert set((await client.changes(last)).texts("ChangedAt")) == {last}
    later = (datetime.fromisoformat(last) + timedelta(seconds=1)).isoformat()
    assert (await client.changes(later)).texts("Change") == []
    assert (await client.changes(f"{last}Z")).fault[:2] == (500, "soap:Client")


async def test_a_reader_of_full_pages_gets_past_a_flood_of_changes(tmp_path: Path) -> None:
    flooded = await AgencyProcess(MODULE).start(tmp_path)
    client = Client(flooded.origin)
    for batch in range(11):
        await asyncio.gather(*(client.create(f"FLOOD-{batch}-{n}") for n in range(50)))
    assert await flooded.operator.answer_all("Сделано") == 550
    since, seen = "2020-01-01T00:00:00", set[tuple[str, str]]()
    for _ in range(6):
        answer = await client.changes(since)
        times = answer.texts("ChangedAt")
        seen |= set(zip(answer.texts("CaseNumber"), answer.texts("State"), strict=True))
        assert len(times) <= 500
        assert times == sorted(times)
        since = times[-1]
    assert len(seen) == 1100
    await flooded.stop()
