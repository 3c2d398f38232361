"""Agencies on profiles, worked for by the real worker on a real database: a message goes out with its photo, and its answer comes home."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.actions.submit_message import Place
from store.unit import Database
from tests.connectors.certificates import issue, serving
from tests.delivery.installation import Installation, until
from tests.fakes.mail import People, Smtp
from tests.fakes.medo import Partner, Taken
from tests.fakes.redmine import Redmine
from tests.fakes.znuny import Znuny

PHOTO = b"\xff\xd8\xff a photo \x00"
KALUGA = Place(latitude=54.5136, longitude=36.2614, address="Калуга, улица Ленина, 1")


@dataclass
class Agency:
    """One agency on a profile: its file, the photos it got, and how it answers its only case."""

    uses: str
    answers: dict[str, object]
    variables: dict[str, str]
    photos: Callable[[], list[bytes]]
    reply: Callable[[str], object]
    own: str = ""


@contextlib.asynccontextmanager
async def on_redmine(folder: Path) -> AsyncIterator[Agency]:
    product = await Redmine().start()
    product.clock.now = datetime.now(UTC)
    yield Agency(
        "redmine@1",
        {"address": "${AT}", "api_key": "${KEY}", "project": "appeals", "trackers": {"*": "1"}},
        {"AT": product.origin, "KEY": "redmine-key"},
        lambda: [one.content for one in product.files.values() if one.issue],
        lambda words: product.works_on(1, 5, words),
    )
    await product.stop()


@contextlib.asynccontextmanager
async def on_znuny(folder: Path) -> AsyncIterator[Agency]:
    product = await Znuny().start()
    product.clock.now = datetime.now(UTC)
    yield Agency(
        "znuny@1",
        {"address": "${AT}", "username": "${USER_A}", "password": "${WORD}", "customer": "c", "queues": {"*": "Roads"}},
        {"AT": product.address, "USER_A": "okno", "WORD": "znuny-secret"},
        lambda: [content for one in product.tickets.values() for _, _, content in one.articles[0].attachments],
        lambda words: product.works_on(1, "closed successful", words),
    )
    await product.stop()


@contextlib.asynccontextmanager
async def on_medo(folder: Path) -> AsyncIterator[Agency]:
    partner = Partner(folder / "medo")
    taken: list[Taken] = []

    def photos() -> list[bytes]:
        taken.extend(partner.takes())
        return [content for one in taken for name, content in one.files.items() if name.startswith("1-")]

    words = ("our_uid", "our_name", "their_uid", "their_name", "their_address")
    yield Agency(
        "medo@1",
        {"folder": "${AT}", **dict.fromkeys(words, "a")},
        {"AT": str(partner.root)},
        photos,
        lambda text: partner.answer(taken[0].name, text),
        "connection: {folder: {settles: 1s}}\n",
    )


@contextlib.asynccontextmanager
async def on_mail(folder: Path) -> AsyncIterator[Agency]:
    for name in ("new", "cur", "tmp"):
        (folder / "maildir" / name).mkdir(parents=True)
    ca = issue("Mail worker authority")
    (folder / "ca.pem").write_bytes(ca.pem)
    smtp = await Smtp(serving(folder, issue("post.example", ca)), ("okno", "word")).start()

    def photos() -> list[bytes]:
        mails = [People(raw).received for _, _, raw in smtp.taken]
        return [bytes(part.get_payload(decode=True) or b"") for mail in mails for part in mail.iter_attachments()]

    def reply(words: str) -> None:
        (folder / "maildir" / "new" / "1").write_bytes(People(smtp.taken[0][2]).reply(f"Ответ: {words}"))

    yield Agency(
        "mail@1",
        {
            "server": f"smtps://127.0.0.1:{smtp.port}",
            "username": "${USER_A}",
            "password": "${WORD}",
            "from": "okno@okno.example",
            "reply_to": "reply+{case}@okno.example",
            "key": "${SEAL}",
            "inbox": str(folder / "maildir"),
            "to": "roads@north.example",
            "replies_from": "*@north.example",
        },
        {"USER_A": "okno", "WORD": "word", "SEAL": "0123456789abcdef", "CA": str(folder / "ca.pem")},
        photos,
        reply,
        "connection: {tls: {ca: '${CA}'}}\n",
    )
    await smtp.stop()


PRODUCTS = {"redmine": on_redmine, "znuny": on_znuny, "medo": on_medo, "mail": on_mail}


def written(agency: Agency, source: Path, folder: Path) -> Path:
    """The house's configuration with one agency on a profile in the place of city-roads."""
    config = folder / "config"
    shutil.copytree(source, config)
    shutil.rmtree(config / "agencies")
    (config / "agencies").mkdir()
    for path in (config / "systems").glob("*.yaml"):
        path.write_text(
            path.read_text()
            .replace("every: 5m", "every: 1s")
            .replace("every: 1m", "every: 1s")
            .replace("every: 2m", "every: 1s")
        )
    (config / "agencies" / "city-roads.yaml").write_text(
        "version: 1\n"
        "agency: {code: city-roads, name: {ru: Дороги, en: Roads}, owner: it@north.example, timezone: Europe/Moscow, "
        f"receives: [roads/*]}}\nuses: {agency.uses}\nwith: {json.dumps(agency.answers)}\n{agency.own}"
    )
    return config


@pytest.mark.parametrize("product", PRODUCTS)
async def test_a_message_reaches_the_product_and_its_answer_comes_home(
    product: str, database: Database, config_folder: Path, tmp_path: Path
) -> None:
    async with PRODUCTS[product](tmp_path) as agency:
        config = written(agency, config_folder, tmp_path)
        installation = await Installation.open(database, config, tmp_path, agency.variables)
        attachment = await installation.attach(PHOTO, "яма.jpg")
        reference = await installation.send(
            "На улице Ленина яма глубиной 20 см.", "roads/pothole", KALUGA, [attachment]
        )

        async def delivered() -> bool:
            return bool((await installation.delivery(reference))["state"] == "DELIVERED")

        async def answered() -> bool:
            return await installation.status(reference) == "ANSWERED"

        async with installation.worker():
            await until(delivered, 30)
            assert agency.photos() == [PHOTO]
            agency.reply("Яма заделана.")
            await until(answered, 30)
        (answer,) = await installation.rows("SELECT text FROM answer")
        assert answer["text"] in ("Яма заделана.", "Ответ: Яма заделана.")
        assert set((await installation.delivery(reference))["outcomes"]) == {"accepted"}
