"""Ask a model, here or in a process that has nothing else in it."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from steps import classifier
from steps.contract import StepError


def tried(source: Path, golden: Sequence[str], timeout: float) -> list[dict[str, Any]]:
    """The model's answers from a process of its own. Raises `StepError` when it has none, or no numbers."""
    command = [sys.executable, "-m", "steps.deploy", "probe", str(source)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    cure = "the champion stays; look at the candidate's report, and rerun finetune"
    try:
        done = subprocess.run(
            command,
            input=json.dumps(list(golden)),
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
        said = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise StepError(f"the model gave no answer within {timeout:g} s", where=str(source), cure=cure) from error
    except (ValueError, IndexError) as error:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:300]
        raise StepError(f"the model's process died: {last}", where=str(source), cure=cure) from error
    if "error" in said:
        raise StepError(said["error"], where=str(source), cure=cure)
    answers: list[dict[str, Any]] = said["answers"]
    return answers


def probe(folder: Path, texts: Sequence[str]) -> dict[str, Any]:
    """In the process of its own: load, ask one by one, check every answer."""
    try:
        answers = list(ask(folder, texts))
    except StepError as error:
        return {"error": error.failure.what}
    bad = [answer for answer in answers if not math.isfinite(answer["confidence"])]
    if bad:
        return {"error": f"the model answers NaN to {len(bad)} of {len(answers)} golden sentences"}
    return {"answers": answers}


def ask(folder: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Label, confidence and seconds for each text, in order, by the model in that folder."""
    model, tokenizer = classifier.load(str(folder))
    longest = int(classifier.read_lineage(folder).get("max_length", 128))
    for text in texts:
        began = time.perf_counter()
        found = classifier.predict(model, tokenizer, [text], max_length=longest)[0]
        best = int(found.argmax())
        label = str(model.config.id2label[best])
        yield {"label": label, "confidence": float(found[best]), "seconds": time.perf_counter() - began}
