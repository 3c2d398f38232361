"""`okno token`: what it prints is believed by the gateway's own verifier, in development only."""

from __future__ import annotations

import concurrent.futures
import json
import stat
import time
from pathlib import Path

import pytest

from cli.development_key import development_key
from gateway.settings import DEVELOPMENT_ISSUER
from gateway.sign_in import SignedIn, SignIn
from gateway.token_keys import FileKeys
from tests.cli.program import okno


def sign_in(home: Path, audience: str = "okno") -> SignIn:
    return SignIn({DEVELOPMENT_ISSUER: FileKeys(home / "development-key.json")}, audience, token_bytes=8192)


async def believed(home: Path, token: str, audience: str = "okno") -> SignedIn:
    signed_in = await sign_in(home, audience).check(f"Bearer {token}")
    assert signed_in is not None
    return signed_in


async def test_the_gateway_believes_the_token_and_nothing_else_is_printed(home: Path) -> None:
    result = okno("token", "--subject", "анна")
    assert (result.exit_code, result.stderr) == (0, "")
    person = await believed(home, result.stdout.removesuffix("\n"))
    assert (person.issuer, person.subject) == ("okno-development", "анна")


@pytest.mark.parametrize(("given", "seconds"), [("90s", 90), ("30m", 1800), ("8h", 28800), ("31d", 31 * 86400)])
async def test_a_token_lives_as_long_as_asked(home: Path, given: str, seconds: int) -> None:
    token = okno("token", "--subject", "anna", "--expires-in", given).stdout.strip()
    lives_s = (await believed(home, token)).expires_at.timestamp() - time.time()
    assert seconds - 10 <= lives_s <= seconds


async def test_the_audience_is_the_one_the_gateway_is_told(home: Path) -> None:
    token = okno("token", "--subject", "anna", OKNO_TOKEN_AUDIENCE="portal").stdout.strip()
    assert (await believed(home, token, "portal")).subject == "anna"


@pytest.mark.parametrize("given", ["8", "eight hours", "0h", "-1h", "32d", "99999999s"])
def test_a_lifetime_that_makes_no_sense_is_a_wrong_option(home: Path, given: str) -> None:
    result = okno("token", "--subject", "anna", "--expires-in", given)
    assert result.exit_code == 2
    assert not home.exists()


def test_production_gets_no_token_and_is_told_where_tokens_come_from(home: Path) -> None:
    result = okno("token", "--subject", "anna", OKNO_MODE="production")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "OKNO_TOKEN_ISSUER" in result.stderr
    assert not home.exists()


@pytest.mark.parametrize("subject", ["", "a\nb", "x" * 256])
def test_a_subject_that_no_gateway_would_take_is_refused(home: Path, subject: str) -> None:
    result = okno("token", "--subject", subject)
    assert result.exit_code == 1
    assert "--subject" in result.stderr


def test_the_key_is_for_its_owner_alone(home: Path) -> None:
    okno("token", "--subject", "anna")
    key = home / "development-key.json"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert {"kty", "crv", "x", "d", "kid"} <= json.loads(key.read_text()).keys()
    assert list(home.iterdir()) == [key]


def test_many_who_ask_first_get_the_same_key(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / str(number) / "development-key.json"
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            keys = [pool.submit(development_key, path) for _ in range(8)]
        assert len({key.result().kid for key in keys}) == 1


@pytest.mark.parametrize(
    "content",
    ["", "not JSON", "[]", "null", '{"kty": "OKP"}', '{"kty": "RSA"}', '{"kty":"OKP","crv":"Ed25519","x":"AA"}'],
)
def test_a_damaged_key_file_is_named_with_the_remedy(home: Path, content: str) -> None:
    home.mkdir()
    (home / "development-key.json").write_text(content)
    result = okno("token", "--subject", "anna")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "development-key.json" in result.stderr
    assert "Remove the file" in result.stderr


def test_a_home_that_is_a_file_is_named_with_the_remedy(home: Path) -> None:
    home.write_text("")
    result = okno("token", "--subject", "anna")
    assert result.exit_code == 1
    assert "OKNO_HOME" in result.stderr
