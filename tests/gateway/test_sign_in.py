"""Who is believed and who is not: tokens of every kind against the verifier, and a few through the door."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from connectors.http import Limits, Wire, open_session
from gateway import token_keys
from gateway.refusals import Code, Refusal
from gateway.sign_in import SignIn
from gateway.token_keys import FetchedKeys, FileKeys
from tests.gateway.conftest import Running
from tests.gateway.tokens import AUDIENCE, ISSUER, Signing, bearer, claims, key_set, new_key, sign, unsigned, write_keys

KEY = new_key()
NOW = int(time.time())


@pytest.fixture
def sign_in(tmp_path: Path) -> SignIn:
    path = tmp_path / "keys.json"
    write_keys(path, KEY)
    return SignIn({ISSUER: FileKeys(path)}, AUDIENCE, token_bytes=8192)


async def _refused(sign_in: SignIn, token: str) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await sign_in.check(f"Bearer {token}")
    assert refused.value.status in {401, 503}
    return refused.value


async def test_a_good_token_says_who_and_until_when(sign_in: SignIn) -> None:
    said = claims(sub="гражданин 7")
    person = await sign_in.check(f"Bearer {sign(KEY, said)}")
    assert person is not None
    assert (person.issuer, person.subject) == (ISSUER, "гражданин 7")
    assert person.expires_at.timestamp() == said["exp"]


async def test_a_token_proved_a_moment_ago_still_expires_and_its_altered_twin_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, KEY)
    issued = int(time.time())  # the suite may have run for minutes since this module was read
    moment = [datetime.fromtimestamp(issued, UTC)]
    sign_in = SignIn({ISSUER: FileKeys(path)}, AUDIENCE, token_bytes=8192, clock=lambda: moment[0])
    token = sign(KEY, claims(exp=issued + 20))
    assert await sign_in.check(f"Bearer {token}") is not None
    assert await sign_in.check(f"Bearer {token}") is not None
    head, body, signature = token.split(".")
    await _refused(sign_in, f"{head}.{body}.{signature[::-1]}")
    moment[0] += timedelta(seconds=21)
    assert "expired" in (await _refused(sign_in, token)).en


async def test_without_a_token_one_is_nobody(sign_in: SignIn) -> None:
    assert await sign_in.check(None) is None


def _key_for(alg: str) -> Signing:
    parameters: Any = {"kid": "k", "alg": alg}
    if alg == "ES256":
        return ECKey.generate_key("P-256", parameters)
    if alg in {"EdDSA", "Ed25519"}:
        return OKPKey.generate_key("Ed25519", parameters)
    return RSAKey.generate_key(2048, parameters)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
async def test_every_algorithm_on_the_list_is_understood(tmp_path: Path, alg: str) -> None:
    key = _key_for(alg)
    write_keys(tmp_path / "keys.json", key)
    sign_in = SignIn({ISSUER: FileKeys(tmp_path / "keys.json")}, AUDIENCE, token_bytes=8192)
    with warnings.catch_warnings():
        # joserfc finds the name EdDSA old; the issuer of this test writes it all the same.
        warnings.simplefilter("ignore", SecurityWarning)
        token = sign(key, claims(), alg)
    assert await sign_in.check(f"Bearer {token}") is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": None},
        {"aud": {}},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": NOW + 366 * 24 * 3600},
        {"nbf": NOW + 3600},
        {"iat": NOW + 3600},
        {"iat": -5},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 300},
        {"sub": "a\nb"},
        {"sub": "a\x00b"},
    ],
)
async def test_claims_that_do_not_hold_are_refused(sign_in: SignIn, changes: dict[str, object]) -> None:
    refusal = await _refused(sign_in, sign(KEY, claims(**changes)))
    assert refusal.code is Code.UNAUTHENTICATED
    assert "ign in again" in refusal.en


async def test_an_expired_token_is_told_apart_from_a_forged_one(sign_in: SignIn) -> None:
    expired = await _refused(sign_in, sign(KEY, claims(exp=NOW - 1)))
    forged = await _refused(sign_in, sign(new_key(), claims(exp=NOW - 1)))
    assert "expired" in expired.en
    assert "expired" not in forged.en


async def test_a_token_without_a_signature_is_refused(sign_in: SignIn) -> None:
    await _refused(sign_in, unsigned(claims()))


async def test_the_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    key = RSAKey.generate_key(2048, {"kid": "k"})
    write_keys(tmp_path / "keys.json", key)
    sign_in = SignIn({ISSUER: FileKeys(tmp_path / "keys.json")}, AUDIENCE, token_bytes=8192)
    # Made by hand, as an attacker would: a library refuses such a secret.
    head, said = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "kid": "k"}, claims())
    )
    mac = hmac.new(key.as_pem(private=False), f"{head}.{said}".encode(), hashlib.sha256).digest()
    await _refused(sign_in, f"{head}.{said}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")


async def test_a_key_of_another_issuer_is_no_key_of_this_one(tmp_path: Path) -> None:
    other = new_key("two")
    write_keys(tmp_path / "ours.json", KEY)
    write_keys(tmp_path / "theirs.json", other)
    issuers = {ISSUER: FileKeys(tmp_path / "ours.json"), "other": FileKeys(tmp_path / "theirs.json")}
    sign_in = SignIn(issuers, AUDIENCE, token_bytes=8192)
    assert await sign_in.check(f"Bearer {sign(other, claims(iss='other'))}") is not None
    await _refused(sign_in, sign(other, claims()))


async def test_an_altered_token_is_refused(sign_in: SignIn) -> None:
    head, said, signature = sign(KEY, claims()).split(".")
    other = sign(KEY, claims(sub="somebody-else")).split(".")[1]
    await _refused(sign_in, f"{head}.{other}.{signature}")
    await _refused(sign_in, f"{head}.{said}.{'A' * len(signature)}")
    await _refused(sign_in, f"{head}.{said}.")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer a.b.c", "Bearer " + "a" * 9000, "Bearer é.b.c"]
)
async def test_a_header_that_is_no_token_is_refused(sign_in: SignIn, header: str) -> None:
    with pytest.raises(Refusal) as refused:
        await sign_in.check(header)
    assert refused.value.code is Code.UNAUTHENTICATED


async def test_a_key_file_may_appear_and_change_while_we_run(tmp_path: Path) -> None:
    path, late = tmp_path / "keys.json", new_key("late")
    sign_in = SignIn({ISSUER: FileKeys(path, required=False)}, AUDIENCE, token_bytes=8192)
    await _refused(sign_in, sign(KEY, claims()))
    path.write_text(json.dumps(KEY.as_dict(private=True)))
    assert await sign_in.check(f"Bearer {sign(KEY, claims())}") is not None
    write_keys(path, KEY, late)
    assert await sign_in.check(f"Bearer {sign(late, claims())}") is not None


async def test_a_weak_or_unreadable_key_is_left_out_and_the_others_stay(tmp_path: Path) -> None:
    document = key_set(KEY)
    document["keys"] = [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak"},
        {"kty": "oct", "k": "c2VjcmV0"},
        7,
        *document["keys"],
    ]
    assert list(token_keys.read_keys(document)) == ["one"]


class KeyServer:
    """An issuer's key address that can be slow, broken, or have new keys."""

    def __init__(self) -> None:
        self.asked = 0
        self.slow_s = 0.0
        self.document: object = key_set(KEY)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.slow_s)
        return web.json_response(self.document)


@pytest.fixture
async def key_server() -> AsyncIterator[tuple[KeyServer, Callable[[Callable[[], float]], SignIn]]]:
    server, app = KeyServer(), web.Application()
    app.router.add_get("/keys", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with open_session() as session:

        def make(clock: Callable[[], float]) -> SignIn:
            keys = FetchedKeys(Wire(session), f"http://{host}:{port}/keys", clock)
            return SignIn({ISSUER: keys}, AUDIENCE, token_bytes=8192)

        yield server, make
    await runner.cleanup()


Server = tuple[KeyServer, Callable[[Callable[[], float]], SignIn]]


async def test_keys_are_fetched_once_for_many(key_server: Server) -> None:
    server, make = key_server
    sign_in = make(time.monotonic)
    await asyncio.gather(*(sign_in.check(f"Bearer {sign(KEY, claims())}") for _ in range(20)))
    assert server.asked == 1


async def test_an_unknown_key_id_fetches_again_but_not_for_every_forger(key_server: Server) -> None:
    server, make = key_server
    now = [0.0]
    sign_in, new = make(lambda: now[0]), new_key("new")
    assert await sign_in.check(f"Bearer {sign(KEY, claims())}") is not None
    server.document = key_set(KEY, new)
    for _ in range(10):
        await _refused(sign_in, sign(new, claims()))
    assert server.asked == 1
    now[0] += token_keys.PAUSE_S + 1
    assert await sign_in.check(f"Bearer {sign(new, claims())}") is not None
    assert server.asked == 2


async def test_a_slow_key_server_is_unavailable_and_not_a_hang(
    key_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, make = key_server
    monkeypatch.setattr(token_keys, "_FETCH", Limits(timeout_s=0.3, attempt_window_s=0))
    server.slow_s = 5.0
    sign_in, began = make(time.monotonic), time.monotonic()
    refusals = await asyncio.gather(*(_refused(sign_in, sign(KEY, claims())) for _ in range(5)))
    assert {refusal.code for refusal in refusals} == {Code.UNAVAILABLE}
    assert time.monotonic() - began < 2


async def test_known_keys_outlive_a_key_server_that_is_away(key_server: Server) -> None:
    server, make = key_server
    now = [0.0]
    sign_in = make(lambda: now[0])
    assert await sign_in.check(f"Bearer {sign(KEY, claims())}") is not None
    server.document = "not a key set"
    now[0] += token_keys.FRESH_S + 60
    assert await sign_in.check(f"Bearer {sign(KEY, claims(sub='second'))}") is not None
    now[0] += token_keys.STALE_S
    assert (await _refused(sign_in, sign(KEY, claims(sub="third")))).code is Code.UNAVAILABLE


async def test_the_door_knows_who_is_calling(client: aiohttp.ClientSession, running: Running) -> None:
    async with client.post("/graphql", json={"query": "{ who }"}, headers=running.signed_in("maria")) as response:
        assert await response.json() == {"data": {"who": "maria"}}
    async with client.post("/graphql", json={"query": "{ who }"}) as response:
        assert await response.json() == {"data": {"who": None}}


async def test_a_bad_token_is_a_401_in_json(client: aiohttp.ClientSession) -> None:
    headers = bearer(sign(new_key(), claims())) | {"Accept-Language": "en"}
    async with client.post("/graphql", json={"query": "{ who }"}, headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        answer = await response.json()
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer


async def test_the_development_key_is_trusted_in_development(running: Running, client: aiohttp.ClientSession) -> None:
    key = new_key("development")
    running.home.development_key.write_text(json.dumps(key.as_dict(private=True)))
    token = sign(key, claims(iss="okno-development", sub="developer"))
    async with client.post("/graphql", json={"query": "{ who }"}, headers=bearer(token)) as response:
        assert await response.json() == {"data": {"who": "developer"}}
