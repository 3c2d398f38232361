"""A dry run shows what the agency would receive, byte for byte, and no secret unless it is asked for."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from agencies.dry_run import CASE_ID, DryRun, NoSuchStep, shown, wire_bytes
from agencies.registry import Registry
from agencies.rule_pages import EXAMPLES
from agencies.secrets import UnsetVariable
from connectors.base import ConnectorError
from connectors.http import open_session
from tests.connectors.raw_server import Caller, raw_server

SECRETS = {"ROADS_USER": "okno", "ROADS_PASSWORD": "roads-word", "YARDS_TOKEN": "yards-word"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config")) / "agencies"


def at_address(files: Path, code: str, address: str) -> Path:
    path = files / f"{code}.yaml"
    text = path.read_text().replace("https://roads.example/soap", address).replace("https://yards.example/api", address)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("roads", "submit"),
        ("roads", "ask"),
        ("yards", "submit"),
        ("yards", "attachment"),
        ("yards", "look_up"),
    ],
)
async def test_the_raw_bytes_are_those_that_the_agency_receives(
    files: Path, code: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    async def answer(caller: Caller) -> None:
        await caller.reply(b"{}")

    async with raw_server(answer) as server, open_session() as session:
        path = at_address(files, code, f"{server.address}/in/here")
        run = DryRun(path, raw=True, environment="sandbox")
        message = run.sample()
        promised = wire_bytes(run.request(step, message))
        connector = Registry.of_files([path]).connector(code, session)
        # The reply is nonsense on purpose: only the request counts.
        with suppress(ConnectorError):
            await connector.send(run.call(step, message))
        assert server.requests == [promised]


@pytest.mark.parametrize(("code", "secret"), [("roads", "ROADS_PASSWORD"), ("yards", "YARDS_TOKEN")])
def test_a_secret_is_named_and_never_shown(
    files: Path, code: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    run = DryRun(files / f"{code}.yaml", raw=False, environment="sandbox")
    request = run.request("submit", run.sample())
    assert SECRETS[secret] not in repr(dict(request.headers)) + request.url + request.body.decode()
    assert f"‹{secret}›" in shown(request)


def test_a_login_in_a_header_is_hidden_whatever_it_is_encoded_as(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADS_PASSWORD", "roads-word")
    path = files / "roads.yaml"
    path.write_text(path.read_text().replace("kind: wsse-username", "kind: basic"))
    run = DryRun(path, raw=False, environment="sandbox")
    assert "Authorization: Basic ‹secret›" in shown(run.request("submit", run.sample()))


def test_without_the_variables_a_dry_run_works_and_a_raw_one_names_what_is_missing(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    run = DryRun(files / "roads.yaml", raw=False, environment="sandbox")
    assert "<n0:Kind>0412</n0:Kind>" in shown(run.request("submit", run.sample()))
    raw = DryRun(files / "roads.yaml", raw=True, environment="sandbox")
    with pytest.raises(UnsetVariable, match="ROADS_USER"):
        raw.request("submit", raw.sample())


def test_every_step_of_the_file_can_be_shown(files: Path) -> None:
    for code in ("roads", "yards"):
        run = DryRun(files / f"{code}.yaml", raw=False, environment="sandbox")
        for step in run.steps:
            assert run.request(step, run.sample()).url
        assert {"submit", "look_up", "poll"} <= set(run.steps)


def test_a_step_that_the_file_lacks_is_told_with_those_it_has(files: Path) -> None:
    run = DryRun(files / "yards.yaml", raw=False, environment="sandbox")
    with pytest.raises(NoSuchStep, match="no step `withdraw`; it has submit, attachment, look_up, poll"):
        run.request("withdraw", run.sample())
    assert CASE_ID in run.request("attachment", run.sample()).url


def test_an_example_that_fails_is_told_and_hides_no_other(files: Path) -> None:
    path = files / "roads.yaml"
    text = path.read_text().replace('sends: {Kind: "0412"}', 'sends: {Kind: "0413"}')
    path.write_text(text + '  - name: a second one\n    reply: {body: {Code: "0"}}\n    comes_to: {outcome: unknown}\n')
    results = DryRun(path, raw=False, environment="sandbox").examples()
    assert [(one.name, [fault.code for fault in one.faults]) for one in results] == [
        ("a pothole", ["example-fails"]),
        ("a second one", []),
    ]
