"""DBSCAN against `dbscan` (Wang, Gu, Shun 2020), scikit-learn and scikit-learn-intelex: `python -m benchmarks.density`.

Whole data, whole fits, libraries in turn, the smallest time of each; `--cpu` takes processor seconds, by one thread,
for a machine that is busy. Labels are compared with scikit-learn's, point by point: `dbscan` numbers clusters in an
order of its own.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.datasets import Dataset, _file

Factory = Callable[[int], Any]  # number of threads -> estimator
WANG_COLUMNS = 20  # it has no more


@cache
def points(name: str) -> Dataset:
    """float64 rows; y is all zeros."""
    X = np.ascontiguousarray(_rows(name), dtype=np.float64)
    return Dataset(X, np.zeros(len(X), np.int32), "clusters")


def _rows(name: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    if name.startswith("coastline"):
        X = np.load(_file("coast_1m9.npz"))["X"]
        return X if name == "coastline" else X[rng.choice(len(X), 200_000, replace=False)]
    if name == "pixels":
        X = np.load(_file("pixels_china.npz"))["X"].reshape(-1, 3)
        return X[rng.choice(len(X), 60_000, replace=False)]
    if name == "letter":
        return np.load(_file("letter.npz"))["X"]
    if name == "flights":
        import pandas as pd

        columns = ["month", "day", "sched_dep_time", "sched_arr_time", "flight", "distance", "hour", "minute"]
        X = pd.read_csv(_file("flights_nyc13.csv.gz"), usecols=columns)[columns].to_numpy(float)
        X = X[rng.choice(len(X), 100_000, replace=False)]
        return (X - X.mean(axis=0)) / X.std(axis=0)
    X = np.load(_file("fashion_mnist.npz"))["X"].reshape(-1, 784).astype(np.float32)
    X -= X.mean(axis=0)
    return X @ np.linalg.eigh(X.T @ X)[1][:, ::-1][:, :30]


class Wang:
    """The package `dbscan` as an estimator; it takes its threads from the environment."""

    def __init__(self, eps: float, min_samples: int) -> None:
        self.eps, self.min_samples = eps, min_samples

    def fit(self, X: Any, y: Any = None) -> "Wang":
        from dbscan import DBSCAN

        self.labels_, _ = DBSCAN(np.ascontiguousarray(X, dtype=np.float64), eps=self.eps, min_samples=self.min_samples)
        return self


class Clustering:
    """An estimator whose labels can be asked for; without a `predict` of its own, new rows are noise."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: Any, y: Any = None) -> "Clustering":
        self.X = np.asarray(X)
        self.model.fit(self.X)
        self.labels_ = self.model.labels_
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self.model.predict(X) if hasattr(self.model, "predict") else np.full(len(X), -1)


def agreement(model: Clustering, _X: Any, _y: Any) -> float:
    """Share of the rows of the fit whose label is scikit-learn's."""
    from sklearn.cluster import DBSCAN

    wanted = DBSCAN(eps=model.model.eps, min_samples=model.model.min_samples).fit(model.X).labels_
    return float((model.labels_ == wanted).mean())


@dataclass(frozen=True)
class Density:
    """DBSCAN of some eps and min_samples."""

    data: str
    title: str
    eps: float
    min_samples: int
    goal: float

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator), fastml first; each imports its library when called."""
        wang = {} if self.data == "fashion" else {"dbscan": lambda n: Wang(self.eps, self.min_samples)}
        made = {"fastml": self.fastml, **wang, "scikit-learn": self.scikit_learn, "scikit-learn-intelex": self.intelex}
        return {name: partial(_clustering, make) for name, make in made.items()}

    def fastml(self, n_threads: int) -> Any:
        from fastml.cluster import DBSCAN

        return DBSCAN(self.eps, min_samples=self.min_samples, n_jobs=n_threads)

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn.cluster import DBSCAN

        return DBSCAN(eps=self.eps, min_samples=self.min_samples, n_jobs=n_threads)

    def intelex(self, n_threads: int) -> Any:
        from sklearnex.cluster import DBSCAN

        return DBSCAN(eps=self.eps, min_samples=self.min_samples, n_jobs=n_threads)


def _clustering(make: Factory, n_threads: int) -> Clustering:
    return Clustering(make(n_threads))


CASES = {
    "coastline": Density("coastline", "coastline 1.9M x 2", 0.02, 10, 0.2),
    "coastline_200k": Density("coastline_200k", "coastline 200k x 2", 0.05, 10, 0.2),
    "pixels": Density("pixels", "pixels 60k x 3", 2.0, 20, 0.2),
    "letter": Density("letter", "letter 20k x 16", 3.0, 5, 0.2),
    # 262 clusters, the largest of 67k; 16k points of noise. fashion: 25 clusters, of 52k and less; 16k of noise.
    "flights": Density("flights", "scaled flights 100k x 8", 0.54, 10, 0.4),
    "fashion": Density("fashion", "fashion 70k x 30 components", 562.0, 10, 0.4),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.density", description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=[], metavar="CASE", help=f"some of {', '.join(CASES)}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cpu", action="store_true", help="processor seconds; say OMP_NUM_THREADS=1 too")
    parser.add_argument("--libraries", nargs="+", default=None)
    options = parser.parse_args(argv)
    clock = process_time if options.cpu else perf_counter
    print(f"{'data':<29}{'library':<22}{'seconds':>9}{'ratio':>7}{'clusters':>10}{'other labels':>14}")
    for name in options.cases or CASES:
        case, X = CASES[name], points(name).X
        makers = {k: make for k, make in case.factories().items() if k in (options.libraries or case.factories())}
        took: dict[str, float] = {}
        labels: dict[str, np.ndarray] = {}
        for _ in range(options.repeat):
            for library, make in makers.items():
                model = make(options.threads)
                start = clock()
                model.fit(X)
                took[library] = min(clock() - start, took.get(library, np.inf))
                labels[library] = model.labels_
        fastest = min((t for library, t in took.items() if library != "fastml"), default=np.nan)
        for library, seconds in took.items():
            wanted = labels.get("scikit-learn")
            differ = "" if wanted is None else int((labels[library] != wanted).sum())
            print(f"{case.title:<29}{library:<22}{seconds:>9.4f}{seconds / fastest:>7.2f}"
                  f"{labels[library].max() + 1:>10}{differ:>14}", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
