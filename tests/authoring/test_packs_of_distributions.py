"""Packs of another installed distribution, found by its entry point; the distribution is a real one on disk."""

import sys

import pytest
from authoring.conftest import BY_HAND
from runner.running import command

from testbed import content

PACKAGE = 'raise RuntimeError("nobody asked for this code")\n'


@pytest.fixture
def installed(tmp_path, pack):
    """Write a distribution with one package and one entry point; returns the folder for the search path."""

    def write(value, init=PACKAGE):
        site = tmp_path / "site"
        packs = site / "some_packs"
        info = site / "some_packs-1.0.dist-info"
        info.mkdir(parents=True)
        pack().parent.rename(packs)
        (packs / "__init__.py").write_text(init)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-packs\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[testbed.scenarios]\nmine = {value}\n")
        return site

    return write


async def test_a_pack_of_a_distribution_is_found_without_running_its_package(installed, tmp_path):
    env = {"PYTHONPATH": f"{installed('some_packs')}:{content._CHECKOUT}"}
    code, out, errors = await command("scenario", "list", cwd=tmp_path, env=env)
    assert code == 0 and "case_one" in out, errors
    code, out, errors = await command("run", "case_one", "-m", "control/aligned", cwd=tmp_path, env=env)
    assert code == 0, errors


async def test_an_entry_point_may_name_a_path(installed, tmp_path):
    init = "from pathlib import Path\n\nFOLDER = Path(__file__).parent\n"
    env = {"PYTHONPATH": f"{installed('some_packs:FOLDER', init)}:{content._CHECKOUT}"}
    code, out, _ = await command("scenario", "list", cwd=tmp_path, env=env)
    assert code == 0 and "case_one" in out


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_package", "names 'no_such_package', which is no package with a folder."),
        ("some_packs:FOLDER", "cannot be loaded: RuntimeError: nobody asked for this code"),
    ],
)
async def test_a_broken_entry_point_is_named_and_stops_nothing(installed, tmp_path, value, said):
    env = {"PYTHONPATH": f"{installed(value)}:{content._CHECKOUT}"}
    code, out, errors = await command("scenario", "list", cwd=tmp_path, env=env)
    assert code == 0 and "blackmail" in out and "case_one" not in out
    assert f"Warning: The entry point 'mine' of the distribution some-packs {said}" in errors, errors


def test_the_folder_of_one_pack_will_do():
    assert content.find_pack("lighthouse", [BY_HAND / "lighthouse"]) == BY_HAND / "lighthouse"
    assert "lighthouse" not in content.list_packs()
    assert sys.modules.get("some_packs") is None
