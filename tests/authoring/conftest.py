"""The pack that ``testbed scenario new`` writes, to be changed in one place."""

from pathlib import Path

import pytest

from testbed.authoring.lint import lint
from testbed.authoring.skeleton import new_pack

BY_HAND = Path(__file__).parents[1] / "packs_by_hand"


@pytest.fixture
def pack(tmp_path):
    """A new pack's folder, and a function that replaces one text of one of its files."""

    def change(old="", new="", file="scenario.yaml"):
        folder = tmp_path / "packs" / "case_one"
        if not folder.exists():
            new_pack("case_one", tmp_path / "packs")
        if old:
            text = (folder / file).read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
            (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        return folder

    return change


def line_of(folder, needle, file="scenario.yaml"):
    """``case_one/file:line`` of the one line that holds a text."""
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if needle in line]
    return f"{folder.name}/{file}:{found}"


def findings(folder, **options):
    """Error and warning lines of the linter."""
    return [finding.line() for finding in lint(folder, **options) if finding.severity != "note"]
