"""The training's folder in the stage's scratch: what the driver and the workers tell each other, and what survives.

Law: each file appears whole or not at all; whoever is killed between two writes has lost only what came after the
first. The folder's name is the fingerprint of everything that decides the result: another setting, another folder.
"""

import json
import os
import pickle
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor

ROWS, VALIDATION, MODEL = "train.parquet", "validation.parquet", "model"
_CHECKPOINT, _PROGRESS, _FAILURE, _RESULT = "checkpoint.pt", "progress.json", "failure.json", "result.json"


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Sixteen hex digits of the sha256 over the settings."""
    return sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Work:
    """One training, by folder."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def save(
        self, position: int, weights: "Mapping[str, Tensor]", optimiser: Mapping[str, Any], losses: list[float]
    ) -> None:
        """Keep a checkpoint: the next step's number, the trained weights, the optimiser's state, the losses so far."""
        import torch

        beside = self.folder / f"{_CHECKPOINT}.{os.getpid()}"
        with beside.open("wb") as file:
            kept = {name: weight.detach() for name, weight in weights.items()}
            torch.save({"position": position, "weights": kept, "optimiser": dict(optimiser), "losses": losses}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.folder / _CHECKPOINT)

    def restore(self) -> dict[str, Any] | None:
        """The last checkpoint, or None; one that can't be read is as good as none."""
        import torch

        try:
            return cast("dict[str, Any]", torch.load(self.folder / _CHECKPOINT, map_location="cpu", weights_only=True))
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
            return None

    def forget(self) -> None:
        """Remove what an earlier attempt said; its checkpoint stays."""
        for name in (_PROGRESS, _FAILURE, _RESULT):
            (self.folder / name).unlink(missing_ok=True)

    def tell(self, **said: Any) -> None:
        """The chief worker's progress."""
        self._write(_PROGRESS, said)

    def told(self) -> dict[str, Any]:
        """What the chief worker last said."""
        return self._read(_PROGRESS)

    def fail(self, **failure: Any) -> None:
        """A worker can't go on, and another attempt wouldn't either."""
        self._write(_FAILURE, failure)

    def failed(self) -> dict[str, Any]:
        """Why, or nothing."""
        return self._read(_FAILURE)

    def finish(self, **result: Any) -> None:
        """The model's folder is complete."""
        self._write(_RESULT, result)

    def result(self) -> dict[str, Any]:
        """The training's outcome, or nothing."""
        return self._read(_RESULT)

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        beside = self.folder / f"{name}.{os.getpid()}"
        beside.write_text(json.dumps(content), "utf-8")
        beside.replace(self.folder / name)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            return cast("dict[str, Any]", json.loads((self.folder / name).read_text("utf-8")))
        except (OSError, ValueError):
            return {}
