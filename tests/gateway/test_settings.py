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
        ("OKNO_DOCUMENTS", "some", "any or trusted"),
        ("OKNO_TRUSTED_DOCUMENTS", "/no/such/file", "no such file"),
        ("OKNO_APQ", "yes", "on or off"),
        ("OKNO_INTROSPECTION", "1", "on or off"),
        ("OKNO_ORIGINS", "*", "no wildcards"),
        ("OKNO_ORIGINS", "https://*.portal.example", "no wildcards"),
        ("OKNO_ORIGINS", "portal.example", "such as https://portal.example"),
        ("OKNO_ORIGINS", "https://portal.example/", "nothing after them"),
        ("OKNO_ORIGINS", "https://portal.example, https://other.example/path", "nothing after them"),
        ("OKNO_TRUSTED_PROXIES", "proxy.example", "addresses or networks"),
        ("OKNO_TRUSTED_PROXIES", "10.0.0.1/8", "addresses or networks"),
        ("OKNO_RATE", "fast", "30000/1500"),
        ("OKNO_RATE", "30000", "30000/1500"),
        ("OKNO_RATE", "0/0", "30000/1500"),
        ("OKNO_RATE", "100/10", "largest operation"),
        ("OKNO_OPERATIONS_AT_ONCE", "0", "1 to 10000"),
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


def test_production_is_careful_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    production = {"OKNO_MODE": "production", "OKNO_TOKEN_ISSUER": "https://i.example", "OKNO_TOKEN_KEYS": str(keys)}
    careful = Settings.from_environment(production)
    assert (careful.trusted_only, careful.introspection_open, careful.rate_in_force.is_limited) == (True, False, True)
    told = {"OKNO_DOCUMENTS": "any", "OKNO_INTROSPECTION": "on", "OKNO_RATE": "off", "OKNO_APQ": "on"}
    open_ = Settings.from_environment(production | told)
    assert (open_.trusted_only, open_.introspection_open, open_.rate_in_force.is_limited) == (False, True, False)
    assert open_.apq
    developing = Settings.from_environment({})
    assert (developing.trusted_only, developing.introspection_open) == (False, True)
    assert not developing.rate_in_force.is_limited


def test_the_door_is_set_up_from_the_environment(tmp_path: Path) -> None:
    environment = {
        "OKNO_ORIGINS": "https://portal.example, http://localhost:5173",
        "OKNO_TRUSTED_PROXIES": "10.0.0.0/24, ::1",
        "OKNO_TRUSTED_DOCUMENTS": str(tmp_path),
        "OKNO_DOCUMENTS": "trusted",
        "OKNO_RATE": "40000/100",
        "OKNO_OPERATIONS_AT_ONCE": "7",
    }
    settings = Settings.from_environment(environment)
    assert settings.origins == {"https://portal.example", "http://localhost:5173"}
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/24", "::1/128"]
    assert (settings.trusted_documents, settings.trusted_only) == (tmp_path, True)
    assert (settings.rate_in_force.burst, settings.rate_in_force.per_s) == (40_000, 100)
    assert settings.limits.operations_at_once == 7


def test_documents_cannot_be_registered_where_only_trusted_ones_are_run() -> None:
    with pytest.raises(BadSettings, match="OKNO_APQ: registers documents that nobody trusted"):
        Settings.from_environment({"OKNO_APQ": "on", "OKNO_DOCUMENTS": "trusted"})
