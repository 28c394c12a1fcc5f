"""The growth of a forest: trees in batches, and what the rows left out of each tree say meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.forest_grower import bootstrap_counts
from fastml.ensemble.averaged_forest import AveragedForest
from fastml.ensemble.rounds import Rounds
from fastml.tree.criteria import Criterion
from fastml.tree.ranked_columns import RankedColumns

BATCH_SECONDS = 0.2  # about so long no one listens to Ctrl-C or sees progress
CURVE_POINTS = 25


@dataclass(frozen=True, eq=False)
class Growth:
    """What all trees of a fit share.

    target : arguments of `ForestGrower.grow` that say what is predicted, in the order of the columns' rows
    weight : (n,) of the rows in that order, or None.  n_draws : rows drawn for a tree; 0: none are drawn
    known : fields of AveragedForest that the columns and targets fix
    """

    columns: RankedColumns
    criterion: Criterion
    options: dict[str, Any]
    target: dict[str, Any]
    weight: NDArray[np.float64] | None
    n_draws: int
    balanced: bool
    known: dict[str, Any]

    @property
    def width(self) -> int:
        """Numbers that a leaf says."""
        return len(self.known["n_classes"]) * max(self.known["n_classes"])

    def trees(self, seeds: NDArray[np.int64]) -> AveragedForest | None:
        """Those of the first seeds that Ctrl-C let be completed; None: not one."""
        grown = self.columns.grower.grow(
            self.criterion.name, self.options, seeds_of(seeds), weight=self.weight, n_draws=self.n_draws,
            balanced=self.balanced, own=self.criterion.own, **self.target,
        )  # fmt: skip
        return AveragedForest.of(grown, **self.known) if grown else None

    def in_bag(self, seed: int) -> NDArray[np.float64]:
        """How often the tree of a seed saw each row, in the order in which rows were given."""
        return in_bag(seed, self.columns.order, self.n_draws, self.weight)


def seeds_of(random_states: NDArray[np.int64]) -> NDArray[np.uint64]:
    """What trees with these random_states draw by, as decision trees by themselves do."""
    rng = np.random.RandomState(0)  # making one takes 90 us, seeding it 10

    def first(random_state: int) -> int:
        rng.seed(random_state)
        return rng.randint(2**31 - 1)

    return np.array([first(state) for state in random_states.tolist()], np.uint64)


def in_bag(
    seed: int, order: NDArray[np.int32], n_draws: int, weight: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """How often the tree of a seed saw each row; weight: in the order `order`."""
    out = np.empty(len(order))
    own = int(seeds_of(np.array([seed]))[0])
    out[order] = bootstrap_counts(own, len(order), n_draws, None if weight is None else np.cumsum(weight))
    return out


@dataclass(eq=False)
class OutOfBag:
    """Each row as the trees that did not see it predict it."""

    growth: Growth
    X: NDArray[Any]
    score: Callable[[NDArray[np.float64]], float]  # of predictions (n, width)
    threads: int

    def __post_init__(self) -> None:
        self.total = np.zeros((self.growth.columns.n_samples, self.growth.width))
        self.n_trees = np.zeros(self.growth.columns.n_samples, np.int64)
        self.curve: list[tuple[int, float]] = []

    def add(self, forest: AveragedForest, seeds: NDArray[np.int64], every: int, before: int) -> None:
        """Add the trees of a batch, of which the first is number `before`, with a point of the curve every so many."""
        for t, seed in enumerate(seeds.tolist()):
            out = (self.growth.in_bag(seed) == 0).astype(np.uint8)
            forest.add_shares(self.X, self.total, t, t + 1, out, self.threads)
            self.n_trees += out
            if (before + t + 1) % every == 0:
                self.curve.append((before + t + 1, self.score(self.mean())))

    def mean(self) -> NDArray[np.float64]:
        """(n, width); zeros for rows that every tree saw."""
        return self.total / np.maximum(self.n_trees, 1)[:, None]


def grow_forest(
    growth: Growth, seeds: NDArray[np.int64], loop: Rounds, oob: OutOfBag | None, threads: int,
    stop: Callable[[list[tuple[int, float]]], bool] | None, before: int = 0,
) -> list[AveragedForest]:  # fmt: skip
    """The trees of the seeds, in batches of at least a tree a thread.

    A round of the loop is a tree: a batch is grown when its first one's turn comes. `stop` says of the out-of-bag curve
    whether it has stopped rising; `before` trees were there already.
    """
    parts: list[AveragedForest] = []
    every = max(1, len(seeds) // CURVE_POINTS)
    grown, batch = 0, threads if stop is None else every
    for i in loop:
        if i - before >= grown:
            own = seeds[grown : grown + batch]
            began = time.perf_counter()
            part = growth.trees(own)
            n_trees = 0 if part is None else part.n_trees
            if part is not None:
                parts.append(part)
            if n_trees < len(own):
                if not parts:
                    raise KeyboardInterrupt
                own = own[:n_trees]
                loop.n_done += n_trees - 1
                loop.stop("interrupt")
            if oob is not None and n_trees:
                oob.add(parts[-1], own, every, before + grown)
            took = (time.perf_counter() - began) / max(len(own), 1)
            grown += len(own)
            batch = max(1, int(BATCH_SECONDS / max(took, 1e-9)) // threads) * threads
            if stop is not None:
                batch = every - grown % every
        if stop is not None and oob is not None and i - before == grown - 1 and stop(oob.curve):
            loop.stop("early_stopping")
    return parts
