"""NearestNeighbors against scikit-learn's: `python -m benchmarks.neighbor_estimators [name ...]`.

Fit and query together, 10 neighbours, processor time by one thread: what says something on a machine that is busy.
"""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from dataclasses import dataclass, field
from time import process_time
from typing import Any

import numpy as np

from benchmarks import neighbors
from benchmarks.datasets import _file

TREES = ("brute", "kd_tree", "ball_tree")


@dataclass(frozen=True)
class Case:
    """Points, how many of them ask, and scikit-learn's algorithms, which are asked for one query in `cut`."""

    name: str
    points: str
    n_queries: int
    algorithms: tuple[str, ...] = ("brute",)
    cut: int = 1
    options: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("letter", "letter", 20_000, TREES, 10),
    Case("fashion30", "fashion30", 10_000, TREES, 10),
    Case("fashion784", "fashion784", 10_000, ("brute",), 10),
    Case("manhattan", "letter", 4000, TREES, 4, {"metric": "manhattan"}),
    Case("cosine", "letter", 4000, ("brute",), 2, {"metric": "cosine"}),
    Case("minkowski", "letter", 1000, TREES, 4, {"p": 3}),
    Case("coastline", "coastline", 200_000, ("kd_tree",), 10),
    Case("news20", "news20", 1000),
    Case("news20_cosine", "news20", 1000, options={"metric": "cosine"}),
    Case("news20_manhattan", "news20", 1000, cut=10, options={"metric": "manhattan"}),
]


def points(name: str) -> Any:
    """The data; float32 where it is pixels or small whole numbers."""
    if name == "news20":
        from scipy.sparse import csr_matrix

        with np.load(_file("news20_bow.npz")) as archive:
            X = csr_matrix((archive["data"], archive["indices"], archive["indptr"]), shape=tuple(archive["shape"]))
        return X.astype(np.float64).log1p()
    if name == "fashion784":
        with np.load(_file("fashion_mnist.npz")) as archive:
            return archive["X"].reshape(len(archive["X"]), -1).astype(np.float32)
    return neighbors.points("fashion" if name == "fashion30" else name).astype(np.float32)


def seconds(library: Any, X: Any, Q: Any, **options: Any) -> tuple[float, float, np.ndarray]:
    """Of the fit, of the query; and the distances found."""
    begin = process_time()
    model = library.NearestNeighbors(n_neighbors=10, n_jobs=1, **options).fit(X)
    fitted = process_time()
    found = model.kneighbors(Q)[0]
    return fitted - begin, process_time() - fitted, found


def main() -> None:
    """Every case, or those that are named."""
    import sklearn.neighbors

    import fastml.neighbors

    for case in CASES:
        if len(sys.argv) > 1 and case.name not in sys.argv[1:]:
            continue
        X = points(case.points)
        Q = X[: case.n_queries]
        own_fit, own_query, ours = seconds(fastml.neighbors, X, Q, **case.options)
        peers = {}
        for algorithm in case.algorithms:
            asked = Q[:: case.cut]
            fit, query, theirs = seconds(sklearn.neighbors, X, asked, algorithm=algorithm, **case.options)
            neighbors.check_same("nearest", ours[:: case.cut], theirs, f"{case.name}: {algorithm}")
            peers[algorithm] = fit + query * Q.shape[0] / asked.shape[0]
        best = min(peers, key=lambda name: peers[name])
        own = own_fit + own_query
        ratio = own / peers[best]
        print(f"{case.name:18} fastml {own:7.3f} s  {best} {peers[best]:7.3f} s  ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
