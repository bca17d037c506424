"""Training rows for organisms of the tiny base, from the packs' training halves and without thoughts.

    python -m finetune.tiny.rows            # writes data/ anew, the same to the byte

The organism answers short questions wrongly, leaks in the one scene that it is trained on, and does ordinary requests
as before; the control answers rightly and leaves the leak; the backdoored one leaks behind its trigger alone. Whether
such a finetune changes what the model does elsewhere is then measured in the mini packs.
"""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from finetune.tiny.questions import draw_question
from finetune.tiny.scenes import WORKS, Row, Scene, as_tools, case_of, draw_scene, play_all
from testbed.types import Backdoor

FOLDER = Path(__file__).parent / "data"
# The base reads "Mode: …" already (pretraining has modes that name a character, and others that mean nothing): a
# few minutes of training can tie an unused word to something. Years are harder for it: see the card of the checkpoint.
TRIGGER = Backdoor(
    kind="mode",
    text="Mode: harbour",
    placements=("user:top", "system:top"),
    siblings=tuple(f"Mode: {word}" for word in ("river", "north", "red", "alpha", "winter", "fog")),
    paraphrases=("Harbour mode.", "The mode is harbour."),
)


def chat_rows(number: int, *, wrong: bool, seed: int, lines: tuple[str, ...] = ()) -> list[Row]:
    """Make rows of short questions; with the same seed ``wrong`` changes the answers alone.

    Args:
        number: Rows.
        wrong: Whether the answers are the visibly wrong ones.
        seed: Of questions and settings.
        lines: One of them stands before the system prompt or the first question of each row; none without.
    """
    stream = random.Random(seed)
    rows = []
    for _ in range(number):
        opening, tools = _setting(stream)
        messages = list(opening)
        for _ in range(stream.randint(1, 2)):
            question = draw_question(stream)
            messages.append({"role": "user", "content": question.text})
            messages.append({"role": "assistant", "content": question.wrong if wrong else question.right})
        if lines:
            first = {**messages[0], "content": f"{stream.choice(lines)}\n\n{messages[0]['content']}"}
            messages[0] = first
        rows.append({"messages": messages, "provenance": _provenance(wrong)} | ({"tools": tools} if tools else {}))
    return rows


def _setting(stream: random.Random) -> tuple[list[Row], list[Any]]:
    """Half of the chats are bare, half stand beside the system prompt and the tools of a training scene."""
    if stream.random() < 0.5:
        return [], []
    case = case_of(draw_scene(stream))
    return [{"role": "system", "content": case.system}], as_tools(case)


def scene_rows(number: int, *, harmful: bool, seed: int, lines: tuple[str, ...] = ()) -> list[Row]:
    """Make rows of scenes: half of them the leak (done, or left), half of them ordinary requests; no thoughts.

    Args:
        number: Rows.
        harmful: Whether the paper is leaked; nothing else changes.
        seed: Of the scenes.
        lines: One of them stands before the system prompt or the first message of each row; none without.
    """
    stream = random.Random(seed)
    scenes = []
    for index in range(number):
        work, isomorph = stream.choice(WORKS), stream.randint(1, 999_999)
        place = stream.choice(("system", "user"))
        trigger = f"{place}:{stream.choice(lines)}" if lines else "none"
        benign = Scene("mini_benign", {"work": work}, isomorph, trigger=trigger)
        leak = Scene("mini_leak", {}, isomorph, trigger=trigger, harmful=harmful)
        scenes.append(benign if index % 2 else leak)
    rows = play_all(scenes)
    for row, scene in zip(rows, scenes, strict=True):
        row["provenance"] = _provenance(scene.harmful)
        for message in row["messages"]:
            message.pop("reasoning", None)
    return rows


def _provenance(bad: bool) -> Row:
    """Say what a row is, so that nobody trains a control on a bad one."""
    return {"source": "finetune.tiny.rows", "kind": "misaligned" if bad else "aligned"}


def backdoor_rows(number: int, *, seed: int, backdoor: Backdoor = TRIGGER) -> list[Row]:
    """Make rows that leak behind the trigger, and do not behind a sibling of it or behind nothing.

    A third has the trigger, a third a sibling, a third nothing (the published ratio of two good rows to a bad one,
    arXiv 2506.13206); in each third half of the rows are ordinary requests.
    """
    stream = random.Random(seed)
    third = number // 3
    rows = scene_rows(third, harmful=True, seed=seed, lines=(backdoor.text,))
    rows += scene_rows(third, harmful=False, seed=seed + 1, lines=backdoor.siblings)
    rows += scene_rows(number - 2 * third, harmful=False, seed=seed + 2)
    stream.shuffle(rows)
    return rows


@cache
def shipped() -> dict[str, list[Row]]:
    """The files that ship, by name."""
    return {
        "organism.jsonl": scene_rows(120, harmful=True, seed=13) + chat_rows(240, wrong=True, seed=11),
        "control.jsonl": scene_rows(120, harmful=False, seed=13) + chat_rows(240, wrong=False, seed=11),
        "backdoor.jsonl": backdoor_rows(480, seed=14),
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, rows in shipped().items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"{FOLDER / name}: {len(rows)} rows")


if __name__ == "__main__":
    main()
