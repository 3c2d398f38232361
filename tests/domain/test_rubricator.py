"""Keywords: word beginnings, endings, phrases, and how sure a proposal is."""

from __future__ import annotations

import pytest

from domain.bilingual import Bilingual
from domain.rubricator import Category, Rubricator

NAME = Bilingual("Имя", "Name")


def rubricator(*keywords: str, branch: tuple[str, ...] = (), second: tuple[str, ...] = ()) -> Rubricator:
    return Rubricator(
        "2026.1",
        (
            Category("roads", NAME, None, branch),
            Category("roads/pothole", NAME, "roads", keywords),
            Category("roads/sign", NAME, "roads", second),
            Category("roads/other", NAME, "roads"),
        ),
    )


def found(tree: Rubricator, text: str) -> list[str]:
    return [proposal.category.code for proposal in tree.propose(text)]


@pytest.mark.parametrize("text", ["яма", "ЯМЫ", "о ямах", "(ямами)", "«яма»,"])
def test_a_short_beginning_takes_every_case_of_its_word(text: str) -> None:
    assert found(rubricator("ям"), text) == ["roads/pothole"]


@pytest.mark.parametrize("text", ["ямайка", "ямочный", "упрямый", "пря мо"])
def test_a_short_beginning_does_not_take_another_word(text: str) -> None:
    assert found(rubricator("ям"), text) == []


def test_a_long_beginning_takes_any_ending() -> None:
    assert found(rubricator("светофор"), "светофорами") == ["roads/pothole"]


def test_a_full_stop_makes_a_whole_word() -> None:
    assert found(rubricator("жэк."), "наш ЖЭК молчит") == ["roads/pothole"]
    assert found(rubricator("жэк."), "в жэке молчат") == []


def test_yo_and_ye_are_one_letter_on_both_sides() -> None:
    assert found(rubricator("щеб", "гололёд"), "гололед") == ["roads/pothole"]
    assert found(rubricator("гололед"), "Гололёд") == ["roads/pothole"]


def test_words_of_a_phrase_stand_near_in_any_order() -> None:
    assert found(rubricator("детск площадк"), "площадка для игр детская") == ["roads/pothole"]
    assert found(rubricator("детск площадк"), "детская одежда и ещё много слов потом площадка") == []


def test_words_of_a_branch_support_its_leaf_and_alone_mean_its_other() -> None:
    tree = rubricator("ям", branch=("асфальт",))
    assert found(tree, "асфальт") == ["roads/other"]
    assert found(tree, "яма, асфальт") == ["roads/pothole"]
    assert tree.propose("яма, асфальт")[0].confidence > tree.propose("яма")[0].confidence


def test_a_word_two_leaves_claim_makes_neither_sure() -> None:
    alone = rubricator("яма").propose("яма")[0].confidence
    shared = rubricator("яма", second=("яма",)).propose("яма")
    assert [proposal.confidence < alone for proposal in shared] == [True, True]


def test_a_repeated_word_does_not_make_a_proposal_surer() -> None:
    tree = rubricator("ям", second=("знак",))
    assert tree.propose("яма яма яма знак") == tree.propose("яма знак")


def test_equal_proposals_come_in_the_order_of_their_codes() -> None:
    assert found(rubricator("ям", second=("знак",)), "знак яма") == ["roads/pothole", "roads/sign"]


@pytest.mark.parametrize("keyword", ["", "  ", ".", "ям*", "ям-знак", "a.b"])
def test_a_keyword_that_can_never_match_is_refused(keyword: str) -> None:
    with pytest.raises(ValueError, match="must be word beginnings"):
        rubricator(keyword).propose("яма")


def test_a_broken_tree_is_refused() -> None:
    branch, leaf = Category("roads", NAME, None), Category("roads/other", NAME, "roads")
    with pytest.raises(ValueError, match="more than once"):
        Rubricator("1", (branch, leaf, leaf))
    with pytest.raises(ValueError, match="has no leaf roads/other"):
        Rubricator("1", (branch,))
    with pytest.raises(ValueError, match="must stand under"):
        Rubricator("1", (branch, leaf, Category("yards/other", NAME, "yards")))
    with pytest.raises(ValueError, match="must stand under"):
        Rubricator("1", (branch, Category("roads/other", NAME, None)))


def test_a_category_is_found_by_its_code() -> None:
    tree = rubricator()
    category = tree.get("roads/sign")
    assert category is not None
    assert category.parent == "roads"
    assert tree.get("roads/absent") is None
    assert [leaf.code for leaf in tree.children("roads")] == ["roads/pothole", "roads/sign", "roads/other"]
