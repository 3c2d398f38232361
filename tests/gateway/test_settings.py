"""The environment is read once, and what is wrong with it is said all at once, with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import BadSettings, Mode, Settings


def test_without_any_variable_it_is_a_development_gateway_on_this_machine_only() -> None:
    settings = Settings.from_environment({})
    assert (settings.mode, settings.host, settings.port) == (Mode.DEVELOPMENT, "127.0.0.1", 8000)
    assert settings.token_issuer is None


def test_production_needs_an_issuer_and_its_keys() -> None:
    with pytest.raises(BadSettings) as bad:
        Settings.from_environment({"OKNO_MODE": "production"})
    assert "OKNO_TOKEN_ISSUER: is not set" in str(bad.value)
    assert "OKNO_TOKEN_KEYS: is not set" in str(bad.value)


def test_a_production_gateway_is_read_whole(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    environment = {
        "OKNO_MODE": "production",
        "OKNO_TOKEN_ISSUER": "https://sign-in.example",
        "OKNO_TOKEN_KEYS": str(keys),
        "OKNO_TOKEN_AUDIENCE": "portal",
        "OKNO_HOST": "10.0.0.5",
        "OKNO_PORT": "9000",
    }
    settings = Settings.from_environment(environment)
    assert not settings.in_development
    assert (settings.token_audience, settings.host, settings.port) == ("portal", "10.0.0.5", 9000)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("OKNO_MODE", "prod", "development or production"),
        ("OKNO_PORT", "0", "1 to 65535"),
        ("OKNO_PORT", "65536", "1 to 65535"),
        ("OKNO_PORT", "http", "1 to 65535"),
        ("OKNO_PORT", "٨", "1 to 65535"),
        ("OKNO_TOKEN_KEYS", "/no/such/file", "path of a JWKS document"),
        ("OKNO_TOKEN_KEYS", "ftp://x/keys", "http(s)://"),
        ("OKNO_TOKEN_KEYS", "http://sign-in.example/keys", "use https://"),
        ("OKNO_TOKEN_KEYS", "https://user:secret@sign-in.example/keys", "without user name"),
        ("OKNO_TOKEN_ISSUER", "okno-development", "name another issuer"),
    ],
)
def test_a_bad_value_names_the_variable_and_the_remedy(name: str, value: str, remedy: str) -> None:
    with pytest.raises(BadSettings) as bad:
        Settings.from_environment({name: value})
    assert name in str(bad.value)
    assert remedy in str(bad.value)
    assert "secret" not in str(bad.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadSettings) as bad:
        Settings.from_environment({"OKNO_MODE": "x", "OKNO_PORT": "x", "OKNO_TOKEN_KEYS": "x"})
    assert len(str(bad.value).splitlines()) >= 3
