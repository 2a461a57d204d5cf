"""What the champion thinks of new rows: it has never seen them, so its word is out of sample.

Law: asking it never fails a run. A champion that is not there, can't be loaded or can't answer is a sentence.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps import classifier
from steps.contract import Context, StepError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 4_000
"""Rows that are asked about; a small encoder answers some hundred a second on one core."""
_LONGEST = 2_000  # characters of a text: more than any encoder's 512 tokens


class Opinion(NamedTuple):
    """Probabilities, n × classes float32: NaN for rows not asked about, zero for classes the champion lacks.

    None where there is no champion or it could not be asked; `warning` says why, and is empty where nothing was ever
    deployed.
    """

    p: "NDArray[np.float32] | None"
    warning: str = ""


def asked(texts: Sequence[str], labels: Sequence[str], context: Context, *, most: int = MOST) -> Opinion:
    """The champion of the context's target about the first `most` texts; its classes are matched by name."""
    from steps.deploy import current

    try:
        model = current(context.target)
        if model is None or not texts or most < 1:
            return Opinion(None)
        return _answered(str(context.path(model)), texts, labels, most, context)
    except StepError as error:
        return Opinion(None, f"the champion was not asked which labels look wrong: {error.failure}")
    except Exception as error:  # a model that loads may still fail in its tokenizer, for want of memory, …
        said = " ".join(str(error).split())[:200]
        return Opinion(None, f"the champion could not say which labels look wrong: {type(error).__name__}: {said}")


def _answered(where: str, texts: Sequence[str], labels: Sequence[str], most: int, context: Context) -> Opinion:
    import numpy as np

    model, tokenizer = classifier.load(where)
    names = [str(model.config.id2label[place]) for place in range(model.config.num_labels)]
    shared = [(place, names.index(name)) for place, name in enumerate(labels) if name in names]
    if len(shared) < 2:
        return Opinion(
            None, f"the champion knows other classes ({', '.join(names[:5])}), so it was not asked about labels"
        )
    some = [text[:_LONGEST] for text in texts[:most]]

    def told(done: int) -> None:
        context.progress(done, len(some), "rows", "asking the champion about labels")

    found = classifier.predict(model, tokenizer, some, told=told)
    p = np.full((len(texts), len(labels)), np.nan, dtype=np.float32)
    p[: len(some)] = 0
    mine, its = map(list, zip(*shared, strict=True))
    p[np.ix_(range(len(some)), mine)] = found[:, its]
    return Opinion(p) if np.isfinite(found).all() else Opinion(None, "the champion's probabilities are no numbers")
