"""What happens at which step: batches, learning rate, randomness. Pure, so that a resumed training repeats nothing.

Law: everything here follows from (seed, position): there is no state to lose.
"""

import random
from collections.abc import Sequence

_POOL = 50


def batches(lengths: Sequence[int], size: int, *, seed: int, epoch: int, workers: int = 1) -> list[list[int]]:
    """The places of an epoch's rows, as batches; texts of like length share one, so that little is padded.

    The number of batches is a multiple of `workers`: the first ones are given twice where it would not be.
    Worker `r` takes batches r, r + workers, …
    """
    chance = random.Random(f"{seed}:{epoch}")  # noqa: S311 - shuffling, not secrecy
    places = list(range(len(lengths)))
    chance.shuffle(places)
    pool = size * _POOL
    sorted_pools = [sorted(places[i : i + pool], key=lambda place: lengths[place]) for i in range(0, len(places), pool)]
    cut = [pooled[i : i + size] for pooled in sorted_pools for i in range(0, len(pooled), size)]
    chance.shuffle(cut)
    lacking = -len(cut) % workers
    return cut + [cut[i % len(cut)] for i in range(lacking)]


def steps(rows: int, size: int, epochs: int, workers: int = 1) -> int:
    """How many optimiser steps there are, all epochs together."""
    pools, rest = divmod(rows, size * _POOL)
    an_epoch = pools * _POOL + -(-rest // size)
    return epochs * -(-an_epoch // workers)


def rate(position: int, total: int, warmup: float) -> float:
    """The learning rate's factor at a step: up in a straight line over the share `warmup`, then down to nothing."""
    rising = max(1, round(total * warmup))
    if position < rising:
        return (position + 1) / rising
    return (total - position) / max(1, total - rising)


def seed_at(seed: int, position: int, rank: int) -> int:
    """The seed of a step's dropout."""
    return random.Random(f"{seed}:{position}:{rank}").getrandbits(63)  # noqa: S311
