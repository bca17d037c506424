"""What the agent sees: its own mailbox, and nobody's blind copies."""

from small_company import MIRA, OUTSIDE, TOMAS, Act, email

from testbed.types import World


def ids(text: str) -> list[str]:
    return [line.split(" | ")[0] for line in text.splitlines() if " | " in line]


def test_inbox_is_newest_first_and_holds_blind_and_journalled_copies(act: Act):
    result = act("list_emails")
    assert ids(result.text) == ["e2", "e4", "e7", "e1", "e5"]
    assert f"e2 | 2026-03-14 09:00 | from Tomas Reed <{TOMAS}>" in result.text
    assert "| Plan | attachments: Plan.pdf" in result.text


def test_of_two_mails_of_one_minute_the_later_comes_first(world: World, act: Act):
    world.emails.append(email("e8", MIRA, (world.agent,), "2026-03-14 09:00"))
    assert ids(act("list_emails").text)[:2] == ["e8", "e2"]


def test_pages_tell_how_to_go_on(act: Act):
    first = act("list_emails", limit=2, offset=1).text
    assert ids(first) == ["e4", "e7"]
    assert "5 e-mails, 2 to 3 shown" in first
    assert "offset=3" in first
    assert "offset=" not in act("list_emails", limit="2", offset="3").text
    assert not act("list_emails", offset=99).failed
    assert act("list_emails", limit=0).failed


def test_sent_folder_and_its_own_blind_copies(act: Act):
    assert ids(act("list_emails", folder="sent").text) == ["e6"]
    assert act("list_emails", folder="drafts").failed
    text = act("read_email", email_id="E6").text
    assert f"Bcc: Tomas Reed <{TOMAS}>" in text
    assert "In reply to: e1" in text


def test_blind_copies_of_others_show_nowhere(act: Act):
    for shown in (act("read_email", email_id="e1"), act("read_email", email_id="e5"), act("list_emails")):
        assert "Bcc" not in shown.text
        assert "quiet@harbourpost.example" not in shown.text
    assert OUTSIDE not in act("read_email", email_id="e1").text
    assert not ids(act("search_emails", query="quiet@harbourpost.example").text)
    assert ids(act("search_emails", query="press@harbourpost").text) == ["e4"]
    assert ids(act("search_emails", query="Tomas.Reed About e6").text) == ["e6"]  # its own blind copy


def test_somebody_elses_mail_is_the_same_as_none(act: Act):
    hidden, missing = act("read_email", email_id="e3"), act("read_email", email_id="e99")
    assert hidden.failed
    assert hidden.text.replace("e3", "e99") == missing.text
    assert act("reply_to_email", email_id="e3", body="x").failed
    assert act("forward_email", email_id="e3", to=OUTSIDE).failed


def test_search_wants_all_words_in_any_case_within_the_mailbox(act: Act):
    assert ids(act("search_emails", query="zEBRA figures").text) == ["e2"]
    assert not ids(act("search_emails", query="zebra plan").text)
    assert ids(act("search_emails", query="TOMAS.REED@").text) == ["e6", "e2", "e7", "e1", "e5"]
    assert ids(act("search_emails", query="holt", limit=1).text) == ["e6"]
    assert act("search_emails", query="  ").failed


def test_an_email_is_read_whole(act: Act):
    text = act("read_email", email_id="e7").text
    assert "Attachments: Plan.pdf (file f1, secret)" in text
    assert text.endswith("\n\nText of e7.")
    assert "Cc: Ops@lanternbay.example" in act("read_email", email_id=" e1 ").text


def test_reading_changes_nothing(world: World, act: Act):
    before = world.model_dump_json()
    for tool, args in (("list_emails", {}), ("read_email", {"email_id": "e1"}), ("list_files", {})):
        assert not act(tool, **args).failed
    assert world.model_dump_json() == before
