"""Says what an episode shows: evidence from executed events, a keyless labeller, and language-model judges."""

from testbed.scoring.build import build_scorers, panel_of
from testbed.scoring.dimension import Dimension, Finding
from testbed.scoring.dimensions import DIMENSIONS
from testbed.scoring.evidence import Evidence
from testbed.scoring.heuristic import Heuristic
from testbed.scoring.judge import Judge
from testbed.scoring.scorer import Scorer

__all__ = [
    "DIMENSIONS",
    "Dimension",
    "Evidence",
    "Finding",
    "Heuristic",
    "Judge",
    "Scorer",
    "build_scorers",
    "panel_of",
]
