"""What every contender is given, what it hands back, and where both are kept between processes."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures import Spent

REPOSITORY = Path(__file__).resolve().parent.parent

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Task:
    """Texts that are to meet under hard limits; `owners` are the organisations of the interests."""

    problems: list[str]
    interests: list[str]
    owners: list[int]
    model: str
    proposals: int = 3
    max_load: int = 5

    def save(self, folder: Path) -> None:
        """Leave the task where a contender will look for it."""
        (folder / "task.json").write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The task of a folder."""
        return cls(**json.loads((folder / "task.json").read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of a contender; the stage `work` holds all others but `model`."""

    imports: float
    """Seconds from the start of the process to the end of its imports."""
    peak_megabytes: float
    stages: dict[str, Spent]

    def save(self, folder: Path, name: str) -> None:
        """Leave the outcome where the comparison will look for it."""
        (folder / f"{name}.json").write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """The latest outcome of a contender."""
        content = json.loads((folder / f"{name}.json").read_text("utf-8"))
        stages = {stage: Spent(*spent) for stage, spent in content["stages"].items()}
        return cls(content["imports"], content["peak_megabytes"], stages)


# Any: arrays of whole numbers and of fractions alike.
def save_array(folder: Path, name: str, array: NDArray[Any]) -> None:
    """Leave an array for another process."""
    np.save(folder / f"{name}.npy", array)


def load_array(folder: Path, name: str) -> NDArray[Any]:
    """An array another process left."""
    array: NDArray[Any] = np.load(folder / f"{name}.npy")
    return array


def find_model() -> str:
    """The fast model's folder, else the one SOCIOPOLES_MODEL names: engines are timed, not it."""
    bundled = REPOSITORY / "matcher" / "model-fast"
    if (bundled / "modules.json").is_file():
        return str(bundled)
    named = os.environ.get("SOCIOPOLES_MODEL", "")
    if not named:
        raise SystemExit("matcher/model-fast is not there: name a model folder in SOCIOPOLES_MODEL")
    return named


def name_model(model: str) -> str:
    """The model as a reader should see it: never a folder of this machine."""
    folder = Path(model)
    return f"matcher/{folder.name}" if folder.parent.name == "matcher" else folder.name
