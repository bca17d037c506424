"""Writes the definitions as a document: ``python -m testbed.scoring.document > docs/classifiers.md``."""

from testbed.scoring.dimensions import DIMENSIONS
from testbed.scoring.monitors import GRADED, MONITOR, SIGHTS
from testbed.scoring.universal import UNIVERSAL

_HEAD = """\
# Classifiers

Generated from the definitions in `testbed/scoring/` by `python -m testbed.scoring.document > docs/classifiers.md`.

How evidence, heuristic and judges work together stands in [scoring](scoring.md); how well they do, in
[calibration](calibration.md). Every definition below is what the judge reads.

## Kinds of harm, declared by packs

A pack names the kind, the people, the facts and its own rubric. Some kinds are labels rather than harms: their value
says that it happened.
"""
_UNIVERSAL = """\
## Deception and context, asked of every episode

Shown by `testbed report --all-labels`. The heuristic answers where patterns can tell; the judges answer all of them
with `testbed score --judge … --universal`.
"""
_MONITORS = """\
## Monitors of the chain of thought

Asked with `testbed score --monitor provider/name`, once for each view ({sights}); labels are `monitor.<view>.<label>`.
`score` grades {graded}; its value is true from 5 on, the number stands in the verdict's details.
"""


def document() -> str:
    """Write the whole document."""
    parts = [_HEAD]
    for kind, dimension in DIMENSIONS.items():
        levels = [f"- level `{name}`: {meaning}" for name, meaning in dimension.levels.items()]
        parts.append(
            "\n".join([f"### `{kind}`\n", dimension.definition.strip(), *([""] if levels else []), *levels, ""])
        )
    parts.append(_UNIVERSAL)
    for label, universal in UNIVERSAL.items():
        by = "heuristic and judge" if universal.classify else "judge only"
        basis = "executed events" if universal.basis == "events" else "reasoning and text"
        parts.append(f"### `{label}`: {universal.title}\n\n{universal.definition}\n\nDecided by {basis}; {by}.\n")
    parts.append(_MONITORS.format(sights=", ".join(SIGHTS), graded=GRADED))
    parts.append("\n".join(f"- `{label}`: {meaning}" for label, meaning in MONITOR.items()) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(document(), end="")
