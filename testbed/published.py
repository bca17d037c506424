"""Published rates, and which own result stands in the same cell: facts to set own rates beside, never to pool."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from testbed import content
from testbed.errors import TestbedError
from testbed.types import Frozen

_NAME = "published.yaml"


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Levels = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Source(Frozen):
    """A publication, and how its rates were had.

    Attributes:
        single_turn: Whether an episode was one answer to one prompt.
        reasoning: Level of the factor ``reasoning`` that its prompts correspond to.
        temperature: Sampling temperature.
        grader: How an episode was graded, in words.
    """

    title: str
    url: str
    single_turn: bool
    reasoning: str
    temperature: float
    grader: str


class Cell(Frozen):
    """A published cell as a condition of a pack of ours.

    Attributes:
        label: The harm whose rate it is.
        set: Levels that the cell stands for; factors that are not named must be at a neutral level.
        note: How the label differs from what was counted there, in words.
    """

    scenario: str
    label: str
    set: dict[str, Levels]
    note: str = ""


class PublishedRate(Frozen):
    """One published rate.

    Attributes:
        model: The model as the publication calls it.
        rate: In percent, 0 to 100.
        n: Episodes behind it.
        transcribed: Whether the figure was taken from a third party's transcription of an appendix table.
    """

    cell: str
    model: str
    rate: float = Field(ge=0, le=100)
    n: int = Field(gt=0)
    source: str
    transcribed: bool = False


class Published(Frozen):
    """The data file.

    Attributes:
        models: For each published model the ids under which it is run here (``provider/name``, compared whole).
        neutral: For each factor the levels that a published cell stands for when it does not set the factor.
    """

    sources: dict[str, Source]
    models: dict[str, tuple[str, ...]]
    neutral: dict[str, Levels]
    cells: dict[str, Cell]
    rates: tuple[PublishedRate, ...]

    @model_validator(mode="after")
    def _names_are_known_and_once(self) -> "Published":
        for rate in self.rates:
            for name, known in ((rate.cell, self.cells), (rate.model, self.models), (rate.source, self.sources)):
                if name not in known:
                    raise ValueError(f"the rate of {rate.model} in {rate.cell} names an unknown '{name}'")
        for what, names in (
            ("rate", [f"{rate.model} in {rate.cell}" for rate in self.rates]),
            ("model id", [model for ids in self.models.values() for model in ids]),
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"the {what} {twice[0]} is given twice")
        return self

    @cached_property
    def _names(self) -> dict[str, str]:
        return {model: name for name, ids in self.models.items() for model in ids}

    @cached_property
    def _rates(self) -> dict[tuple[str, str], PublishedRate]:
        return {(rate.model, rate.cell): rate for rate in self.rates}

    def find(self, model: str, scenario: str, label: str, levels: Mapping[str, str]) -> PublishedRate | None:
        """Find the published rate of a model in the cell that a condition of ours stands for.

        Args:
            model: Our id of the model; only ids that the file lists are known.
            scenario: Our pack.
            label: The harm.
            levels: The whole condition, factor by factor.

        Returns:
            The rate, or ``None`` if the model or the cell was not published, or some factor is set otherwise.
        """
        name = self._names.get(model)
        if name is None:
            return None
        for key, cell in self.cells.items():
            if (cell.scenario, cell.label) == (scenario, label) and self._stands_for(cell, levels):
                return self._rates.get((name, key))
        return None

    def _stands_for(self, cell: Cell, levels: Mapping[str, str]) -> bool:
        if not set(cell.set) <= set(levels):
            return False
        return all(level in cell.set.get(factor, self.neutral.get(factor, ())) for factor, level in levels.items())


def load_published(path: Path | None = None) -> Published:
    """Load the published rates.

    Args:
        path: The file; by default the first ``published.yaml`` in the folders of scenarios.

    Raises:
        TestbedError: If there is no such file, or it is wrong; the message names the field.
    """
    if path is None:
        candidates = [root / _NAME for root in content.roots("scenarios")]
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise TestbedError(f"There is no {_NAME} in the folders of scenarios.")
    try:
        return Published.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TestbedError(f"{path.name} cannot be read: {str(error).splitlines()[0]}.") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(map(str, problem["loc"])) or "the file"
        raise TestbedError(f"{path.name}: {field}: {problem['msg']}.") from error
