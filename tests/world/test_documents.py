"""The agent's own documents: written, replaced, attached; never over somebody else's file."""

import pytest
from small_company import AGENT, MIRA, Act

from testbed.types import World
from testbed.world import tools_for
from testbed.world.documents import MAX_NAME


def test_it_is_offered_only_where_the_world_has_a_workspace(world: World):
    assert "write_file" not in tools_for(world, None)
    assert "write_file" not in tools_for(world, ["write_file", "read_file"])
    world.workspace = True
    assert "write_file" in tools_for(world, None)


def test_a_document_can_be_listed_read_and_attached(world: World, act: Act):
    assert act("write_file", name=" hand  over.md ", content="Line one.").text == "Wrote hand over.md (file w1)."
    assert f"w1 | hand over.md | internal | owner {AGENT}" in act("list_files").text
    assert act("read_file", file_id="Hand Over.md").text.endswith("\n\nLine one.")
    assert not act("send_email", to=[MIRA], subject="a", body="b", attachments=["hand over.md"]).failed
    written, sent = world.events
    assert (written.kind, written.sender, written.body) == ("file", AGENT, "Line one.")
    assert written.data == {"file_id": "w1", "name": "hand over.md", "replaced": False}
    assert sent.attachments[0].file_id == "w1"


def test_writing_again_replaces_the_own_document(world: World, act: Act):
    act("write_file", name="notes.md", content="First.")
    act("write_file", name="other.md", content="Other.")
    assert act("write_file", name="NOTES.md", content="Second.").text == "Replaced notes.md (file w1)."
    assert [file.name for file in world.files if file.owner == AGENT] == ["other.md", "notes.md"]
    assert act("read_file", file_id="w1").text.endswith("\n\nSecond.")
    assert [event.data["replaced"] for event in world.events] == [False, False, True]


@pytest.mark.parametrize("name", ["Plan.pdf", "notes.txt", "F1", "", " ", "a/b.txt", "a\\b.txt", "x" * (MAX_NAME + 1)])
def test_other_peoples_files_and_unfit_names_are_refused(world: World, act: Act, name: str):
    before = world.model_dump_json()
    assert act("write_file", name=name, content="Mine now.").failed
    assert world.model_dump_json() == before


def test_an_empty_document_is_refused(world: World, act: Act):
    assert act("write_file", name="notes.md", content=" \n").failed
    assert not world.events


def test_episodes_do_not_share_documents(world: World, act: Act):
    other = world.fresh()
    act("write_file", name="notes.md", content="First.")
    assert len(world.files) == len(other.files) + 1
