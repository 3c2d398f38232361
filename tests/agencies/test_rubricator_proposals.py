"""The shipped rubricator proposes what people mean. The messages are made up for this test."""

from __future__ import annotations

from pathlib import Path

import pytest

from agencies.rubricator_file import load_rubricator
from domain.rubricator import Rubricator

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def rubricator() -> Rubricator:
    return load_rubricator(CONFIG / "rubricator.yaml")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("На нашей улице глубокие ямы, машины пробивают колёса.", "roads/pothole"),
        ("Светофор на перекрёстке мигает жёлтым третий день", "roads/traffic-light"),
        ("Стёрлась разметка на проезжей части, линий не видно", "roads/marking"),
        ("Упал дорожный знак «Уступи дорогу»", "roads/sign"),
        ("Дорогу не чистят от снега, гололёд, автобус не проехал", "roads/snow"),
        ("Мост через реку аварийный, перил нет", "roads/bridge"),
        ("После дождя лужа на дороге: ливнёвка забита", "roads/storm-drain"),
        ("Течёт крыша, в квартире мокрый потолок", "housing/roof"),
        ("Батареи холодные, отопления нет вторую неделю", "housing/heating"),
        ("Нет горячей воды, из крана идёт ржавая", "housing/water"),
        ("Лифт застревает между этажами", "housing/elevator"),
        ("В подвале стоит вода, крысы и запах", "housing/basement"),
        ("Пришла квитанция с неверным начислением, прошу перерасчёт", "housing/bills"),
        ("Управляющая компания не отвечает на заявки", "housing/management"),
        ("На детской площадке сломаны качели", "yards/playground"),
        ("Машины стоят на газоне прямо во дворе, паркуются как хотят", "yards/parking"),
        ("Фонарь во дворе не горит, темно", "yards/lighting"),
        ("Открытый люк без крышки у школы", "yards/manhole"),
        ("Стая бродячих собак нападает на детей", "animals/stray"),
        ("Стихийная свалка у леса, строительный мусор", "ecology/dump"),
        ("Не могу записаться к врачу, в регистратуре нет талонов", "medicine/appointment"),
        ("Скорая помощь ехала два часа", "medicine/ambulance"),
        ("Автобус не ходит по расписанию, ждать больше часа", "transport/schedule"),
        ("Очередь в детский сад не движется", "education/kindergarten"),
    ],
)
def test_a_plain_message_gets_its_category_among_the_first_two(
    rubricator: Rubricator, text: str, category: str
) -> None:
    proposals = rubricator.propose(text, 2)
    assert category in [proposal.category.code for proposal in proposals]


@pytest.mark.parametrize("text", ["", "   ", "Ничего такого", "Hello there", "12345", "👍👍👍", "ааа" * 5_000])
def test_a_message_without_known_words_gets_no_proposal(rubricator: Rubricator, text: str) -> None:
    assert rubricator.propose(text) == []


def test_only_leaves_are_proposed_surest_first_and_never_for_certain(rubricator: Rubricator) -> None:
    text = "Во дворе ямы, фонарь не горит, мусор не вывозят, собаки бегают, автобус не ходит"
    proposals = rubricator.propose(text, 5)
    confidences = [proposal.confidence for proposal in proposals]
    assert len(proposals) == 5
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 < confidence < 1 for confidence in confidences)
    assert all(proposal.category.parent for proposal in proposals)
    assert sum(confidences) < 1


def test_a_huge_message_is_read_in_bounded_work(rubricator: Rubricator) -> None:
    assert rubricator.propose("яма на дороге " * 100_000)[0].category.code == "roads/pothole"
