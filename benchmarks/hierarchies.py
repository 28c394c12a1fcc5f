"""HDBSCAN against fast_hdbscan (after its JIT), hdbscan and scikit-learn: `python -m benchmarks.hierarchies`.

Libraries alternate; the smallest time of each counts. `--cpu` compares processor time by one thread, which is what says
something on a machine that is busy. min_samples counts the point itself here and in scikit-learn, not in the others.
"""

import argparse
from collections.abc import Callable
from functools import cache
from time import perf_counter, process_time
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from benchmarks.datasets import _file

SIZE, NEIGHBOURS = 10, 5
ROWS = {"coastline": 200_000, "pixels": 60_000, "letter": 20_000, "flights": 100_000}
GOAL = 0.5


@cache
def points(name: str) -> np.ndarray:
    """200k x 2 (degrees), 60k x 3 (bytes), 20k x 16 (whole numbers), 100k x 8 standardised; random rows, float64."""
    if name == "flights":
        import pandas as pd

        columns = ["month", "day", "dep_time", "sched_arr_time", "dep_delay", "arr_delay", "air_time", "distance"]
        X = pd.read_csv(_file("flights_nyc13.csv.gz"), usecols=columns).dropna()[columns].to_numpy(float)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    else:
        file = {"coastline": "coast_1m9.npz", "pixels": "pixels_china.npz", "letter": "letter.npz"}[name]
        with np.load(_file(file)) as archive:
            X = archive[archive.files[0]]
        X = X.reshape(-1, X.shape[-1]).astype(np.float64)
    rows = np.random.default_rng(0).permutation(len(X))[: ROWS[name]]
    return np.ascontiguousarray(X[rows])


def fastml(X: np.ndarray, threads: int) -> Any:
    from fastml.cluster import HDBSCAN

    return HDBSCAN(min_cluster_size=SIZE, min_samples=NEIGHBOURS + 1, n_jobs=threads).fit(X)


def fast_hdbscan(X: np.ndarray, threads: int) -> Any:
    import numba
    from fast_hdbscan import HDBSCAN

    numba.set_num_threads(threads)
    return HDBSCAN(min_cluster_size=SIZE, min_samples=NEIGHBOURS).fit(X)


def hdbscan(X: np.ndarray, threads: int) -> Any:
    from hdbscan import HDBSCAN

    return HDBSCAN(min_cluster_size=SIZE, min_samples=NEIGHBOURS, core_dist_n_jobs=threads).fit(X)


def scikit_learn(X: np.ndarray, threads: int) -> Any:
    from sklearn.cluster import HDBSCAN

    return HDBSCAN(min_cluster_size=SIZE, min_samples=NEIGHBOURS + 1, n_jobs=threads, copy=True).fit(X)


LIBRARIES: dict[str, Callable[[np.ndarray, int], Any]] = {
    "fastml": fastml, "fast_hdbscan": fast_hdbscan, "hdbscan": hdbscan, "scikit-learn": scikit_learn,
}  # fmt: skip


def compare(name: str, libraries: list[str], threads: int, runs: int, cpu: bool) -> None:
    """Print a line a library: seconds, share of the fastest peer's, clusters, noise."""
    X = points(name)
    clock = process_time if cpu else perf_counter
    best: dict[str, float] = {}
    labels: dict[str, np.ndarray] = {}
    for library in libraries:  # JIT and imports
        LIBRARIES[library](np.random.default_rng(1).random((3000, X.shape[1])), threads)
    for _ in range(runs):
        for library in libraries:
            start = clock()
            labels[library] = np.asarray(LIBRARIES[library](X, threads).labels_)
            best[library] = min(best.get(library, np.inf), clock() - start)
    fastest = min((best[library] for library in libraries if library != "fastml"), default=np.nan)
    print(f"{name}, {X.shape[0]} x {X.shape[1]}, {threads} threads{', processor time' if cpu else ''}")
    for library in libraries:
        found = labels[library]
        alike = adjusted_rand_score(labels[libraries[0]], found)
        print(f"  {library:14s}{best[library]:8.3f} s  {best[library] / fastest:6.3f}  {found.max() + 1:6d} clusters, "
              f"{(found < 0).mean():.1%} noise, {alike:.3f} adjusted Rand index to {libraries[0]}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--libraries", nargs="+", default=["fastml", "fast_hdbscan"], choices=LIBRARIES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    for name in options.names:
        compare(name, options.libraries, options.threads, options.runs, options.cpu)


if __name__ == "__main__":
    main()
