"""Everybody's answers to the same rows, and the differences between them. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps import statistics
from steps.snapshot import Row
from steps.statistics import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Answers(NamedTuple):
    """What a model said to the rows: class by place in the dataset's labels (-1: a class the dataset doesn't have)."""

    said: "NDArray[np.int_]"
    confidence: "NDArray[np.float32]"
    right: "NDArray[np.bool_]"


class Compared(NamedTuple):
    """All that the report is made of; `majority` is the class that a majority vote of the training rows names."""

    rows: Sequence[Row]
    labels: Sequence[str]
    truth: "NDArray[np.int_]"
    candidate: Answers
    champion: Answers | None
    untrained: Answers | None
    majority: Answers
    margin: float
    seed: int
    warnings: Sequence[str]

    @property
    def rival(self) -> Answers:
        """Whom the verdict is about: the champion, or a majority vote where there is none."""
        return self.champion or self.majority

    @property
    def rival_name(self) -> str:
        """In words."""
        return "the champion" if self.champion else "a majority vote"


def gain(compared: Compared, rival: Answers, of: "NDArray[np.bool_] | None" = None) -> Interval:
    """The candidate's accuracy less the rival's, on all rows or on those of a mask."""
    new, old = compared.candidate.right, rival.right
    return statistics.paired_gain(*((new, old) if of is None else (new[of], old[of])), seed=compared.seed)
