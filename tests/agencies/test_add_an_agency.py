"""The guide's own file connects: it checks, its examples run, and it is silver, as the guide says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from agencies.checking import check_agency_file
from agencies.dry_run import DryRun
from agencies.grade import RULES, Grade, judge
from agencies.rubricator_file import load_rubricator
from agencies.rule_pages import EXAMPLES

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "add-an-agency.md").read_text()

BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
FOREIGN = ROOT / "tests" / "stacks" / "roundup" / "agencies" / "appeals-desk.yaml"

DESCRIPTION = """
openapi: 3.0.3
info: {title: Parks, version: "1"}
paths:
  /tickets:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [number, title, text, kind]
              properties:
                number: {type: string}
                title: {type: string}
                text: {type: string}
                kind: {type: string, enum: [SNOW, TREE, OTHER]}
                lat: {type: number}
                lon: {type: number}
      responses:
        "201": {description: made, content: {application/json: {schema: {type: object, properties: {id: {type: string}}}}}}
        "422": {description: no, content: {application/json: {schema: {type: object, properties: {error: {type: string}}}}}}
    get:
      parameters: [{name: number, in: query, required: true, schema: {type: string}}]
      responses:
        "200":
          description: found
          content:
            application/json:
              schema:
                properties:
                  items: {type: array, items: {properties: {id: {type: string}, number: {type: string}}}}
  /tickets/{id}/files:
    post:
      requestBody: {content: {multipart/form-data: {schema: {properties: {file: {type: string, format: binary}}}}}}
      responses: {"201": {description: kept}}
  /changes:
    get:
      parameters: [{name: after, in: query, schema: {type: string}}]
      responses:
        "200":
          description: a page
          content:
            application/json:
              schema:
                properties:
                  next: {type: string}
                  items:
                    type: array
                    items:
                      properties:
                        ticket: {type: string}
                        at: {type: string}
                        state: {type: string}
                        remark: {type: string}
                        answer: {type: string}
"""


@pytest.fixture
def parks(tmp_path: Path) -> Path:
    """The guide's file, with the description and the message that it names."""
    folder = tmp_path / "agencies"
    (folder / "parks").mkdir(parents=True)
    (folder / "parks.yaml").write_text(BLOCKS[0])
    (folder / "parks" / "openapi.yaml").write_text(DESCRIPTION)
    snow = (EXAMPLES / "agencies" / "yards" / "snow.yaml").read_text()
    (folder / "parks" / "snow.yaml").write_text(snow)
    return folder / "parks.yaml"


def test_the_guides_file_checks_against_the_houses_rubricator_and_reaches_silver(
    parks: Path, config_folder: Path
) -> None:
    categories = {one.code for one in load_rubricator(config_folder / "rubricator.yaml").categories}
    source, file = check_agency_file(parks, categories)
    assert judge(source, file).grade is Grade.SILVER


def test_the_guides_file_can_be_shown_step_by_step(parks: Path) -> None:
    run = DryRun(parks, raw=False, environment="sandbox")
    for step in run.steps:
        assert run.request(step, run.sample()).url.startswith("http://parks-sandbox.invalid/")


def test_a_misspelt_field_of_the_guides_file_is_found_in_the_description(parks: Path) -> None:
    parks.write_text(parks.read_text().replace("    kind: message", "    knd: message"))
    with pytest.raises(Exception, match=r"unknown-field.*Did you mean `kind`"):
        check_agency_file(parks)


def test_the_guide_names_every_grade_and_no_rule_is_without_a_remedy() -> None:
    assert all(f"| {grade} |" in GUIDE for grade in Grade if grade is not Grade.NONE)
    assert all(len(rule.says.split()) > 3 for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_lines_of_a_foreign_system_are_those_of_the_file_that_was_tried(config_folder: Path) -> None:
    categories = {one.code for one in load_rubricator(config_folder / "rubricator.yaml").categories}
    _, file = check_agency_file(FOREIGN, categories)
    assert str(FOREIGN.relative_to(ROOT)) in GUIDE
    assert len(BLOCKS) == 3
    assert all(block in FOREIGN.read_text() for block in BLOCKS[1:])
    assert "messages: {each: steps.words.id, value: item}" in GUIDE
    assert file.submit.send["messages"]


TEN_LINES = """
version: 1
agency: {code: works, name: {ru: Работы, en: Works}, owner: it@works.example, timezone: Europe/Moscow, receives: [roads/*]}
uses: redmine@1
with:
  address: https://redmine.example
  api_key: ${WORKS_KEY}
  project: works
  trackers: {"*": "1"}
"""


def test_ten_lines_on_a_known_product_have_the_examples_that_the_profile_proved(
    config_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(config_folder / "systems", tmp_path / "systems")
    path = tmp_path / "agencies" / "works.yaml"
    path.parent.mkdir()
    path.write_text(TEN_LINES)
    assert [rule.name for rule in judge(*check_agency_file(path)).missing if rule.grade is not Grade.GOLD] == [
        "described"
    ]
    profile = tmp_path / "systems" / "redmine.yaml"
    profile.write_text(profile.read_text().replace("answer: Заделана.", "answer: Забыта."))
    assert judge(*check_agency_file(path)).grade is Grade.NONE
