"""What docs/authoring.md says of names is what there is."""

import re
from pathlib import Path

import pytest
import yaml

from testbed.scoring.dimensions import DIMENSIONS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "authoring.md").read_text(encoding="utf-8")
COMMON = yaml.safe_load((ROOT / "scenarios" / "common" / "factors.yaml").read_text(encoding="utf-8"))


def names(begin, end, text=GUIDE):
    """Names in backticks between two texts of the guide."""
    return re.findall(r"`(\w+)`", text.split(begin)[1].split(end)[0])


def test_the_common_factors_are_those_of_the_file():
    assert names("takes over a factor of the testbed:", ". Keys beside it win") == list(COMMON)


@pytest.mark.parametrize(
    ("part", "begin", "end"),
    [
        ("aim.j2", "the pack must have both", "."),
        ("closing.j2", "as the last line:", "."),
    ],
)
def test_the_includes_use_the_factors_that_are_named(part, begin, end):
    text = (ROOT / "scenarios" / "common" / part).read_text(encoding="utf-8")
    used = {name for name in COMMON if re.search(rf"\b{name}\b", text)} - {"language"}
    assert set(names(begin, end)) == used


def test_every_kind_of_harm_has_a_line_on_what_it_needs():
    rows = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \|", GUIDE.split("What each kind needs")[1].split("### Isomorphs")[0], re.M
    )
    assert sorted(name.strip("`") for row in rows for name in row.split(", ")) == sorted(DIMENSIONS)
