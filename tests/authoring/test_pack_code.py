"""A pack's own tools and kinds of harm: run only where allowed, offered in this pack's cases only."""

import shutil

import pytest
from authoring.conftest import BY_HAND, findings
from runner.running import command

from testbed.authoring import packcode
from testbed.authoring.play import play_policy, verdicts
from testbed.errors import PackError, TestbedError
from testbed.scenario import load_pack, render
from testbed.scoring.dimensions import DIMENSIONS
from testbed.world import builtin, tools_for

LIGHTHOUSE = BY_HAND / "lighthouse"
HEAD = "from testbed.world import Effect, ToolContext, tool\n"
TOOL = '@tool(effect=Effect.READ)\ndef {name}(ctx: ToolContext) -> str:\n    """Look."""\n    return "seen"\n'


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(builtin, "PACK_TOOLS", {})
    monkeypatch.setattr(packcode, "PACK_TOOLS", builtin.PACK_TOOLS)
    monkeypatch.setattr(packcode, "_OWNERS", {})
    before = dict(DIMENSIONS)
    yield
    DIMENSIONS.clear()
    DIMENSIONS.update(before)


def case_of(folder):
    scenario = load_pack(folder)
    return scenario, render(scenario, scenario.default_condition())


def test_the_pack_written_by_hand_is_clean_and_its_policies_are_seen():
    assert findings(LIGHTHOUSE, allow_code=True) == []


@pytest.mark.parametrize(
    "arguments",
    [("run", "-m", "control/aligned"), ("scenario", "lint"), ("scenario", "preview")],
)
async def test_code_runs_only_where_it_is_allowed(tmp_path, arguments):
    folder = tmp_path / "lighthouse"
    shutil.copytree(LIGHTHOUSE, folder)
    (folder / "tools.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\n" + (folder / "tools.py").read_text())
    verb = arguments[: 2 if arguments[0] == "scenario" else 1]
    rest = arguments[len(verb) :]
    code, out, errors = await command(*verb, "./lighthouse", *rest, cwd=tmp_path)
    assert code == 2 and out == ""
    assert errors.startswith("Error: lighthouse/tools.py: this pack brings Python code of its own;"), errors
    assert errors.count("\n") == 1 and not (tmp_path / "trace").exists() and not (tmp_path / "testbed.db").exists()
    code, _, errors = await command(*verb, "./lighthouse", *rest, "--allow-code", cwd=tmp_path)
    assert code == 0 and (tmp_path / "trace").exists(), errors


async def test_looking_at_the_pack_runs_no_code(tmp_path):
    for verb in ("render", "describe"):
        code, out, errors = await command("scenario", verb, str(LIGHTHOUSE), cwd=tmp_path)
        assert code == 0 and "--allow-code" in out, errors


async def test_a_run_with_its_own_tools_and_harm_is_scored(tmp_path):
    models = ("-m", "control/darkener", "-m", "control/aligned", "-m", "control/wrong-code")
    code, out, errors = await command("run", str(LIGHTHOUSE), *models, "--allow-code", "--json", cwd=tmp_path)
    assert code == 0, errors
    assert '"dark"' in out and "no classifier" not in out


async def test_a_stored_run_is_scored_anew_only_with_its_own_code(tmp_path):
    folder = tmp_path / "lighthouse"
    shutil.copytree(LIGHTHOUSE, folder)
    run = ("run", "./lighthouse", "-m", "control/darkener", "--allow-code")
    assert (await command(*run, cwd=tmp_path))[0] == 0
    code, out, errors = await command("score", cwd=tmp_path)
    assert (code, out) == (2, "") and "There is no scenario 'lighthouse'" in errors
    assert "--scenarios DIR --allow-code" in errors
    again = ("score", "--scenarios", "lighthouse")
    code, out, errors = await command(*again, cwd=tmp_path)
    assert (code, out) == (2, "") and "add --allow-code" in errors and "--scenarios DIR --allow-code" in errors
    code, out, errors = await command(*again, "--allow-code", cwd=tmp_path)
    assert code == 0 and "1/1" in out, errors
    with (folder / "tools.py").open("a") as file:
        file.write("# other code\n")
    code, out, errors = await command(*again, "--allow-code", cwd=tmp_path)
    assert (code, out) == (2, "") and "is not the code that the episodes" in errors


def test_tools_are_offered_in_this_packs_cases_only():
    scenario, case = case_of(LIGHTHOUSE)
    with pytest.raises(TestbedError, match="add --allow-code"):
        tools_for(case.world, None, case.code)
    packcode.use_code([scenario], allow=True)
    assert {"switch_lamp", "send_email"} <= set(tools_for(case.world, None, case.code))
    assert "switch_lamp" not in tools_for(case.world, None)


def test_own_state_is_fresh_in_every_episode_and_a_refused_act_is_on_record():
    scenario, case = case_of(LIGHTHOUSE)
    packcode.use_code([scenario], allow=True)
    for _ in range(2):
        episode, _ = play_policy(case, case.policies["wrong_code"])
        assert [(event.kind, event.accepted, event.reason) for event in episode.events] == [
            ("lamp", False, "wrong code")
        ]
        episode, _ = play_policy(case, case.policies["darkener"])
        (dark,) = [v for v in verdicts(case, episode) if v.label == "dark" and v.scorer == "heuristic"]
        assert dark.value is True and dark.level == "out" and len(dark.events) == 1
    assert case.world.extra["lamp"] == "burning"


def test_other_code_is_another_case_and_other_text_is_not(tmp_path):
    shutil.copytree(LIGHTHOUSE, tmp_path / "lighthouse")
    first = case_of(tmp_path / "lighthouse")[1]
    with (tmp_path / "lighthouse" / "tools.py").open("a") as file:
        file.write("# a remark\n")
    second = case_of(tmp_path / "lighthouse")[1]
    assert first.hash != second.hash and first.world == second.world


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "defines neither TOOLS nor DIMENSIONS."),
        ("import nothing_of_that_name", "does not run: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def", "does not run: SyntaxError: "),
        (HEAD + "def look(ctx): pass\nTOOLS = [look]", "is no Tool; decorate it with @tool."),
        (HEAD + TOOL.format(name="send_email") + "TOOLS = [send_email]", "TOOLS: the name 'send_email' is taken."),
        (HEAD + TOOL.format(name="look") + "TOOLS = [look, look]", "TOOLS: the name 'look' is taken."),
        (HEAD + "@tool(effect=Effect.READ)\ndef look(ctx): pass", "does not run: TestbedError: tool look: a docstring"),
        (
            "from testbed.scoring.dimensions import DIMENSIONS as D\nDIMENSIONS = [D['blackmail']]",
            "DIMENSIONS: the kind of harm 'blackmail' is taken.",
        ),
        ("DIMENSIONS = ['dark']", "DIMENSIONS: 'dark' is no Dimension."),
    ],
)
def test_code_that_is_wrong_is_one_sentence(pack, text, said):
    folder = pack()
    (folder / "tools.py").write_text(text)
    with pytest.raises(PackError) as caught:
        packcode.use_code([load_pack(folder)], allow=True)
    assert str(caught.value).startswith("case_one/tools.py: ") and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_packs_cannot_define_the_same_kind_of_harm(pack):
    shutil.copy(LIGHTHOUSE / "tools.py", pack())
    packcode.use_code([load_pack(LIGHTHOUSE)], allow=True)
    with (pack() / "tools.py").open("a") as file:
        file.write("# other code\n")
    with pytest.raises(PackError, match="the kind of harm 'dark_lamp' is taken"):
        packcode.use_code([load_pack(pack())], allow=True)


def test_code_that_is_a_link_out_of_the_pack(pack, tmp_path):
    (tmp_path / "other.py").write_text("TOOLS = []")
    (pack() / "tools.py").symlink_to(tmp_path / "other.py")
    with pytest.raises(PackError, match="case_one/tools.py: lies outside the pack."):
        load_pack(pack())
