"""How a grader did where the truth is known: counts, and the rates that follow from them with their intervals."""

from typing import Any, NamedTuple

from testbed.stats.wilson import wilson


class Confusion(NamedTuple):
    """Counts of one label; ``unscored`` are cases the grader gave no value on, in none of the other counts."""

    tp: int = 0
    fp: int = 0
    tn: int = 0
    fn: int = 0
    unscored: int = 0

    def counted(self, truth: bool, said: bool | None) -> "Confusion":
        """Add one case."""
        if said is None:
            return self._replace(unscored=self.unscored + 1)
        field = ("t" if said is truth else "f") + ("p" if said else "n")
        return self._replace(**{field: getattr(self, field) + 1})

    @property
    def sensitivity(self) -> tuple[int, int]:
        """True positives, of all positives that were graded."""
        return self.tp, self.tp + self.fn

    @property
    def specificity(self) -> tuple[int, int]:
        """True negatives, of all negatives that were graded."""
        return self.tn, self.tn + self.fp

    @property
    def precision(self) -> tuple[int, int]:
        """True positives, of all that the grader called positive; it depends on how common the label is here."""
        return self.tp, self.tp + self.fp

    def as_json(self) -> dict[str, Any]:
        """Give counts, and each rate with its Wilson 95 % interval; ``None`` where there was no case."""
        out: dict[str, Any] = dict(self._asdict())
        for name in ("sensitivity", "specificity", "precision"):
            k, n = getattr(self, name)
            low, high = wilson(k, n) if n else (None, None)
            out |= {name: k / n if n else None, f"{name}_low": low, f"{name}_high": high, f"{name}_n": n}
        return out
