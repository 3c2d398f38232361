"""The shipped reference data is whole, and what contradicts itself is refused with its place."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from agencies.reference_data import ReferenceData, load_reference_data
from agencies.source import FileFaults
from domain.deadlines import deadline
from domain.routing import Route, route

CONFIG = Path(__file__).parents[2] / "config"
DAY = date(2026, 3, 2)

ROADS = "pothole sign traffic-light marking snow lighting sidewalk bridge barrier storm-drain other"
HOUSING = "roof heating water entrance elevator basement bills management facade other"
YARDS = "improvement playground parking cleaning lighting other"


@pytest.fixture(scope="module")
def data() -> ReferenceData:
    return load_reference_data(CONFIG)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files to break."""
    (tmp_path / "territories").mkdir()
    for path in [*CONFIG.glob("*.yaml"), *CONFIG.glob("territories/*.yaml")]:
        shutil.copy(path, tmp_path / path.relative_to(CONFIG))
    return tmp_path


def break_file(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(FileFaults) as raised:
        load_reference_data(folder)
    return [str(fault) for fault in raised.value.faults]


def test_the_rubricator_has_its_branches_and_enough_leaves_in_two_languages(data: ReferenceData) -> None:
    branches = {branch.code for branch in data.rubricator.branches}
    assert {"roads", "housing", "yards", "social", "medicine"} <= branches
    assert {"transport", "ecology", "animals", "education", "services", "other"} <= branches
    assert len(data.rubricator.leaves) >= 60
    for category in data.rubricator.categories:
        assert any("а" <= letter <= "я" for letter in category.name.ru.lower()), category.code
        assert category.name.en.isascii(), category.code


@pytest.mark.parametrize(("branch", "leaves"), [("roads", ROADS), ("housing", HOUSING), ("yards", YARDS)])
def test_the_leaves_that_agencies_rely_on_exist(data: ReferenceData, branch: str, leaves: str) -> None:
    assert {f"{branch}/{leaf}" for leaf in leaves.split()} <= {leaf.code for leaf in data.rubricator.children(branch)}


def test_every_leaf_has_a_route_and_every_body_below_the_government_some_topic(data: ReferenceData) -> None:
    found = [route(data.routing, leaf.code, (), None, DAY) for leaf in data.rubricator.leaves]
    assert all(isinstance(one, Route) for one in found)
    responsible = {one.organisation for one in found if isinstance(one, Route)}
    assert responsible == {organisation.code for organisation in data.organisations} - {"kaluga-government"}


@pytest.mark.parametrize(
    ("category", "organisation"),
    [
        ("roads/pothole", "city-roads"),
        ("housing/roof", "housing-inspection"),
        ("yards/parking", "housing-inspection"),
        ("ecology/dump", "ecology-ministry"),
        ("animals/stray", "veterinary-committee"),
        ("education/school", "education-ministry"),
        ("social/benefits", "labour-ministry"),
        ("medicine/appointment", "digital-ministry"),
        ("other/other", "digital-ministry"),
    ],
)
def test_a_topic_goes_to_its_body(data: ReferenceData, category: str, organisation: str) -> None:
    found = route(data.routing, category, data.territories.chain("29701000"), None, DAY)
    assert isinstance(found, Route)
    assert found.organisation == organisation


def test_the_eleven_bodies_stand_below_the_government(data: ReferenceData) -> None:
    assert len(data.organisations.subordinates("kaluga-government")) == 11
    assert data.organisations.get("city-roads") is not None


@pytest.mark.parametrize(
    ("regime", "category", "working_days"),
    [
        ("MESSAGE", "roads/snow", 2),
        ("MESSAGE", "roads/pothole", 8),
        ("MESSAGE", "yards/cleaning", 8),
        ("MESSAGE", "housing/bills", 20),
        ("MESSAGE", None, 20),
        ("PRETRIAL_COMPLAINT", "roads/snow", 20),
    ],
)
def test_a_topic_has_its_term(data: ReferenceData, regime: str, category: str | None, working_days: int) -> None:
    assert deadline(data.deadlines, regime, category, DAY, data.calendar).working_days == working_days


def test_an_appeal_is_never_answered_later_than_thirty_days(data: ReferenceData) -> None:
    assert deadline(data.deadlines, "APPEAL_59FZ", "roads/snow", date(2026, 3, 2), data.calendar).date == date(
        2026, 4, 1
    )
    assert deadline(data.deadlines, "APPEAL_59FZ", None, date(2026, 4, 9), data.calendar).date == date(2026, 5, 8)


def test_both_regions_are_there_with_all_their_municipalities(data: ReferenceData) -> None:
    assert sum(territory.parent == "29000000" for territory in data.territories) == 26
    assert sum(territory.parent == "38000000" for territory in data.territories) == 33
    assert data.territories.resolve("29506000") == "29606000"


def test_every_municipality_of_kaluga_contains_its_inner_point(data: ReferenceData) -> None:
    for territory in data.territories:
        if territory.parent == "29000000":
            point = territory.inner_point
            assert data.territory_index.at(point.lat, point.lon) == territory.code


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("routing.yaml", "organisation: city-roads", "organisation: city-road", "`city-road`. Did you mean `city-roads`?"),
        ("routing.yaml", "category: animals/*", "category: animal/*", "`animal/*`. Did you mean `animals/*`?"),
        ("routing.yaml", "category: roads/*", "category: roads", "must be a category such as"),
        ("routing.yaml", "category: roads/*", "territory: 29999999\n    category: roads/*", "unknown-territory"),
        ("routing.yaml", "category: roads/*", "category: '*'", "unreachable-rule"),
        ("routing.yaml", "id: land-to-agriculture", "id: roads-to-the-road-service", "repeated-id"),
        ("routing.yaml", "id: land-to-agriculture", "id: chosen-by-citizen", "kept for citizens' own choices"),
        ("deadlines.yaml", "category: roads/snow", "category: roads/snwo", "Did you mean `roads/snow`?"),
        ("deadlines.yaml", "calendar_days: 30", "calendar_days: 30\n    working_days: 3", "not both"),
        ("deadlines.yaml", "working_days: 8", "working_days: 0", "bad-value"),
        ("deadlines.yaml", "    regime: '*'\n", "    regime: MESSAGE\n", "no-last-rule"),
        ("deadlines.yaml", "regime: MESSAGE", "valid_from: 2026-02-01\n    valid_until: 2026-01-01\n    regime: MESSAGE", "must not be before"),
        ("organisations.yaml", "territory: 29701000", "territory: 29702000", "29702000"),
        ("organisations.yaml", "timezone: Europe/Moscow", "timezone: Europe/Moskow", "Did you mean `Europe/Moscow`?"),
        ("organisations.yaml", "parent: kaluga-government", "parent: kaluga", "unknown-organisation"),
        ("organisations.yaml", "code: ecology-ministry", "code: kaluga-government", "repeated-code"),
        ("organisations.yaml", "kind: contractor", "kind: contracter", "Did you mean `contractor`?"),
        ("territories/territories.yaml", "aliases: [29502000]", "aliases: [29604000]", "repeated-code"),
        ("territories/territories.yaml", "parent: 29000000", "parent: 29000001", "unknown-territory"),
        ("territories/territories.yaml", "code: 29602000", "code: 2960200", "eight digits"),
        ("rubricator.yaml", "[светофор,", "[светофор!,", "must be word beginnings"),
    ],
)  # fmt: skip
def test_a_contradiction_is_a_fault_with_its_file_and_place(
    folder: Path, file: str, old: str, new: str, fault: str
) -> None:
    path = folder / file
    before = path.read_text(encoding="utf-8")
    break_file(path, old, new)
    line = before[: before.index(old)].count("\n") + 1
    matching = [said for said in faults_of(folder) if fault in said]
    assert matching
    place = int(matching[0].removeprefix(f"{path}:").split(":")[0])
    assert abs(place - line) <= 4  # the row that holds it, or the next, is no longer than this


def test_the_faults_of_all_files_come_together(folder: Path) -> None:
    break_file(folder / "routing.yaml", "organisation: city-roads", "organisation: city-road")
    break_file(folder / "deadlines.yaml", "category: roads/snow", "category: roads/snwo")
    break_file(folder / "calendar.yaml", "version: 2026.1", "version: new")
    names = {Path(fault.split(":")[0]).name for fault in faults_of(folder)}
    assert names == {"routing.yaml", "deadlines.yaml", "calendar.yaml"}


def test_a_branch_without_the_leaf_other_is_refused(folder: Path) -> None:
    path = folder / "rubricator.yaml"
    path.write_text("version: 2026.2\nbranches:\n  other:\n    name: {ru: Другое, en: Other}\n    leaves: {}\n")
    assert "3:" in faults_of(folder)[0] or "4:" in faults_of(folder)[0]
    assert "no message may lack a category" in faults_of(folder)[0]


def test_an_outline_of_an_unknown_territory_is_refused(folder: Path) -> None:
    ring = "[[[36,54],[37,54],[37,55],[36,54]]]"
    (folder / "territories" / "x.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"oktmo": "11111111"},'
        f' "geometry": {{"type": "Polygon", "coordinates": {ring}}}}}]}}'
    )
    assert "bad-outline" in faults_of(folder)[0]
