"""The nearest 10 of all points, counts and lists, against scikit-learn and SciPy: `python -m benchmarks.neighbors`.

Libraries alternate, tree included; the smallest time of each counts. `--cpu` compares processor time by one thread,
which is what says something on a machine that is busy.
"""

import argparse
import sys
from collections.abc import Callable
from functools import cache, partial
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.datasets import _file

K = 10
RADII = {"coastline": 0.05, "pixels": 2.0, "letter": 3.0, "flights": 0.3, "fashion": 900.0}


def _points(name: str) -> np.ndarray:
    with np.load(_file(name)) as archive:
        X = archive[archive.files[0]]
    return np.ascontiguousarray(X.reshape(-1, X.shape[-1]), dtype=np.float64)


@cache
def points(name: str) -> np.ndarray:
    """1.9M x 2, 273k x 3, 20k x 16, 100k x 8 standardised, 70k by 30 principal components; float64."""
    if name == "coastline":
        return _points("coast_1m9.npz")
    if name == "pixels":
        return _points("pixels_china.npz")
    if name == "letter":
        return _points("letter.npz")
    if name == "flights":
        import pandas as pd

        columns = ["month", "day", "dep_time", "sched_arr_time", "dep_delay", "arr_delay", "air_time", "distance"]
        frame = pd.read_csv(_file("flights_nyc13.csv.gz"), usecols=columns).dropna()
        X = frame[columns].to_numpy(float)[:100_000]
        return np.ascontiguousarray((X - X.mean(axis=0)) / X.std(axis=0))
    from sklearn.decomposition import PCA

    with np.load(_file("fashion_mnist.npz")) as archive:
        X = archive["X"].reshape(len(archive["X"]), -1).astype(np.float32)
    return PCA(30, random_state=0).fit_transform(X).astype(np.float64)


def fastml(X: np.ndarray, work: str, r: float, threads: int) -> Any:
    from fastml.neighbors import KDTree

    tree = KDTree(X, n_jobs=threads)
    if work == "nearest":
        return tree.query(X, K)[0]
    return tree.query_radius(X, r, count_only=work == "count")


def scikit_learn(algorithm: str, X: np.ndarray, work: str, r: float, threads: int) -> Any:
    from sklearn.neighbors import BallTree, KDTree, NearestNeighbors

    if work == "count":
        return {"kd_tree": KDTree, "ball_tree": BallTree}[algorithm](X).query_radius(X, r, count_only=True)
    model = NearestNeighbors(n_neighbors=K, algorithm=algorithm, n_jobs=threads).fit(X)
    return model.kneighbors(X)[0] if work == "nearest" else model.radius_neighbors(X, r, return_distance=False)


def ckdtree(X: np.ndarray, work: str, r: float, threads: int) -> Any:
    from scipy.spatial import cKDTree

    tree = cKDTree(X)
    if work == "nearest":
        return tree.query(X, K, workers=threads)[0]
    return tree.query_ball_point(X, r, workers=threads, return_length=work == "count")


LIBRARIES: dict[str, Callable[..., Any]] = {
    "fastml": fastml,
    "kd_tree": partial(scikit_learn, "kd_tree"),
    "ball_tree": partial(scikit_learn, "ball_tree"),
    "brute": partial(scikit_learn, "brute"),
    "cKDTree": ckdtree,
}
# What takes minutes: seen once, far from the fastest.
TOO_SLOW = {
    ("coastline", "brute"), ("coastline", "ball_tree"), ("pixels", "brute"), ("pixels", "ball_tree"),
    ("flights", "brute"), ("flights", "ball_tree"), ("fashion", "kd_tree"), ("fashion", "ball_tree"),
    ("fashion", "cKDTree"),
}  # fmt: skip


def check_same(work: str, ours: Any, theirs: Any, what: str) -> None:
    """RuntimeError unless two libraries found the same: distances to rounding, counts but for a few at the radius."""
    if work == "nearest":
        same = np.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(np.max(ours)))
    else:
        counts = [np.array([len(found) for found in answer]) if work == "list" else answer for answer in (ours, theirs)]
        same = np.abs(counts[0] - counts[1]).sum() <= 1e-5 * counts[1].sum()
    if not same:
        raise RuntimeError(f"{what} found something else than fastml")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbors", description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=list(RADII), choices=list(RADII))
    parser.add_argument("--work", nargs="+", default=["nearest"], choices=["nearest", "count", "list"])
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, help="only so many of the rows, evenly taken")
    parser.add_argument("--cpu", action="store_true", help="processor time, one thread")
    options = parser.parse_args(argv)
    clock, threads = (process_time, 1) if options.cpu else (perf_counter, options.threads)
    for name in options.sets:
        X = points(name)
        if options.rows and options.rows < len(X):
            X = np.ascontiguousarray(X[:: len(X) // options.rows])
        for work in options.work:
            entrants = [
                key for key in LIBRARIES
                if (name, key) not in TOO_SLOW and not (work != "nearest" and key in ("brute", "ball_tree"))
            ]
            times: dict[str, list[float]] = {key: [] for key in entrants}
            answers: dict[str, Any] = {}
            for key in entrants:  # imports
                LIBRARIES[key](X[:100], work, RADII[name], threads)
            for _ in range(options.repeat):
                for key in entrants:
                    start = clock()
                    answers[key] = LIBRARIES[key](X, work, RADII[name], threads)
                    times[key].append(clock() - start)
            for key in entrants[1:]:
                check_same(work, answers["fastml"], answers[key], f"{name}, {work}: {key}")
            best = {key: min(taken) for key, taken in times.items()}
            peer = min((key for key in best if key not in ("fastml", "cKDTree")), key=best.__getitem__, default=None)
            ratio = f"{best['fastml'] / best[peer]:.3f} of {peer}" if peer else "no peer"
            shown = "  ".join(f"{key} {taken:.3f}" for key, taken in best.items())
            print(f"{name:<10}{len(X):>9,} x {X.shape[1]:<3}{work:<8}{ratio:<22}{shown}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
