"""Every file the suite is run for is sound, and a stand-in can be made from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agencies.fake.system import System
from agencies.fake.wires import CannotFake
from tests.standard_suite.conftest import FILES, SPOKEN, RightValues, categories, checked


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_passes_its_checks_and_a_stand_in_can_be_made_from_it(path: Path) -> None:
    one = checked(path)
    if one.file.connection.protocol not in SPOKEN:
        with pytest.raises(CannotFake, match="speaks soap and rest"):
            System(one.file, one.folder, RightValues({}).reveal, categories())
        return
    system = System(one.file, one.folder, RightValues({}).reveal, categories())
    assert "submit" in system.steps
