"""One published number beside what one model says.

Published numbers are read from `tests/truth/pharmacokinetics.json` and never typed again: a row names the one
it claims.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path as File
from typing import Any, NamedTuple, TypeAlias

from globulin.exposure import Person
from validation.kinetics.predictions import BODIES
from validation.ledger import Path

TRUTH: dict[str, Any] = json.loads(
    (File(__file__).parents[2] / "tests" / "truth" / "pharmacokinetics.json").read_text(encoding="utf-8")
)
PUBLISHED: dict[str, Any] = {entry["id"]: entry for entry in TRUTH["validation_open"]}

Answer: TypeAlias = Callable[[str, Person], float]


class Row(NamedTuple):
    """One published number, or a published range, beside what one model says.

    spread: lowest and highest answer over body weights, where the source gives none.
    """

    what: str
    path: Path
    model: str
    predicted: float
    spread: tuple[float, float] | None = None

    @property
    def published(self) -> float | tuple[float, float]:
        """What was printed: a number, or both ends of a range."""
        node: Any = PUBLISHED
        for step in self.path:
            node = node[step]
        return (float(node[0]), float(node[1])) if isinstance(node, list) else float(str(node).split()[0])

    def error_percent(self, predicted: float) -> float | None:
        """How far an answer is off, in % of what was printed; None beside a range."""
        return None if isinstance(self.published, tuple) else 100.0 * (predicted / self.published - 1.0)

    @property
    def inside(self) -> bool | None:
        """Whether the answer, to the printed digits, lies in a printed range; None beside a number."""
        if not isinstance(self.published, tuple):
            return None
        low, high = self.published
        digits = 0 if low >= 2.0 else 2
        return low <= round(self.predicted, digits) <= high


def over_bodies(
    what: str,
    path: Path,
    models: Sequence[str],
    answer: Answer,
    typical: Person = BODIES[70],
    bodies: Iterable[Person] = tuple(BODIES.values()),
) -> list[Row]:
    """One row for each model: the answer at the typical weight, and its range from 60 to 80 kg."""
    rows = []
    for model in models:
        found = [answer(model, body) for body in bodies]
        central = answer(model, typical)
        rows.append(Row(what, path, model, central, (min(found), max(found))))
    return rows


def once(what: str, path: Path, models: Sequence[str], answer: Callable[[str], float]) -> list[Row]:
    """One row for each model where no weight is in question."""
    return [Row(what, path, model, answer(model)) for model in models]


def by_weight(what: str, path: Path, models: Sequence[str], answer: Callable[[str, int], float]) -> list[Row]:
    """As `over_bodies`, for answers that are asked for a weight in kg."""
    kg = {id(body): weight for weight, body in BODIES.items()}
    return over_bodies(what, path, models, lambda m, p: answer(m, kg[id(p)]))
