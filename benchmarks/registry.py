"""The only list of benchmark cases: data, estimators, score, and the figure to reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from benchmarks import datasets
from benchmarks.boosting import Boosting, Factory
from benchmarks.clustering import Means, log_inertia
from benchmarks.density import CASES as DENSITIES
from benchmarks.density import Density, agreement, points
from benchmarks.methods import FirstOrder, SecondOrder
from benchmarks.multiway import Multiway
from benchmarks.seeding import MiniBatch, Seeding, explained
from benchmarks.trees import Bags, Forest, SingleTree, Stumps


def auc(estimator: Any, X: Any, y: np.ndarray) -> float:
    """Area under the ROC curve, higher is better."""
    return float(roc_auc_score(y, estimator.predict_proba(X)[:, 1]))


def r2(estimator: Any, X: Any, y: np.ndarray) -> float:
    """Share of the variance explained, higher is better."""
    return float(r2_score(y, estimator.predict(X)))


def accuracy(estimator: Any, X: Any, y: np.ndarray) -> float:
    """Share of the rows whose class is right, higher is better."""
    return float(accuracy_score(y, np.ravel(estimator.predict(X))))


@dataclass(frozen=True)
class Case:
    """Data, the estimators that compete on it, how they are scored.

    fits : how many fits a timing averages over; more than one where one fit is too short to time.
    goal : fastml's time over the fastest peer's, to be reached or undercut; None where none is set.
    rivals, tolerance : the score may lie this far below the best of these libraries.
    latency : whether prediction of one row is timed as well.
    """

    name: str
    title: str
    data: Callable[[], datasets.Dataset]
    setting: Bags | Boosting | FirstOrder | Forest | Means | Multiway | SecondOrder | SingleTree | Stumps
    setting: Bags | Boosting | FirstOrder | Forest | MiniBatch | Multiway | SecondOrder | Seeding | SingleTree | Stumps
    setting: Bags | Boosting | Density | FirstOrder | Forest | Multiway | SecondOrder | SingleTree | Stumps
    setting: (
        Bags | Boosting | FirstOrder | Forest | Means | MiniBatch | Multiway | SecondOrder | Seeding | SingleTree
        | Stumps
    )
    score: Callable[[Any, Any, np.ndarray], float]
    goal: float | None = None
    rivals: tuple[str, ...] = ("xgboost", "lightgbm")
    tolerance: float = 0.002
    fits: int = 1
    latency: bool = False

    @property
    def estimators(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator), fastml first."""
        return self.setting.factories()


def tree_case(name: str, title: str, data: Callable[[], datasets.Dataset], task: str, goal: float) -> Case:
    score = r2 if task == "regression" else accuracy
    return Case(name, title, data, SingleTree(task), score, goal, rivals=("scikit-learn",), tolerance=0.01)


def multiway_case(name: str, estimator: str, score: Callable[[Any, Any, np.ndarray], float]) -> Case:
    title = f"{estimator}: flights, 20k x 11 (3 of strings)"
    return Case(name, title, partial(datasets.flights_named, 25_000), Multiway(estimator), score)


def forest_case(name: str, title: str, data: Any, task: str, n_trees: int) -> Case:
    """Against scikit-learn-intelex, which chooses among 256 bins a column."""
    score = r2 if task == "regression" else accuracy
    return Case(name, title, data, Forest(task, n_trees), score, 0.5, rivals=("scikit-learn-intelex",), tolerance=0.005)


def means_case(name: str, title: str, data: Any, goal: float, n_clusters: int = 50, n_steps: int = 30) -> Case:
    setting = Means(n_clusters, n_steps)
    return Case(f"kmeans_{name}", title, data, setting, log_inertia, goal, rivals=("scikit-learn",), tolerance=1e-4)
def density_case(name: str, density: Density) -> Case:
    """On four fifths of the rows; `python -m benchmarks.density` takes all of them."""
    title = f"DBSCAN: 80% of {density.title}"
    rivals = ("scikit-learn",)
    return Case(f"dbscan_{name}", title, partial(points, name), density, agreement, density.goal, rivals, tolerance=0.0)


def leaves31(task: str, n_rounds: int, **more: Any) -> Boosting:
    return Boosting(task, n_rounds, max_leaves=31, **more)


CASES = {
    case.name: case
    for case in [
        Case("flights", "Flights, 262k x 11, 200 rounds", datasets.flights, leaves31("binary", 200), auc, 0.25),
        Case(
            "airline_1m",
            "Airline, 800k x 7, 100 rounds",
            partial(datasets.airline, 1_000_000),
            leaves31("binary", 100),
            auc,
            0.25,
        ),
        Case("airline_3m", "Airline, 2.4M x 7, 100 rounds", datasets.airline, leaves31("binary", 100), auc, 0.25),
        Case("synthetic", "Synthetic, 800k x 28, 100 rounds", datasets.synthetic, leaves31("binary", 100), auc, 0.35),
        Case("protein", "Protein, 36k x 9, 300 rounds", datasets.protein, leaves31("regression", 300), r2, 0.35),
        Case(
            "adult",
            "Adult, 39k x 14 (8 categorical), 100 rounds",
            datasets.adult,
            leaves31("binary", 100, categorical=True),
            auc,
        ),
        Case(
            "letter",
            "Letter, 16k x 16, 26 classes, 50 rounds",
            datasets.letter,
            Boosting("multiclass", 50, max_depth=6),
            accuracy,
            0.35,
            rivals=("xgboost",),  # LightGBM scales a class's hessian by K / (K - 1), these two by 2
            tolerance=0.005,
        ),
        Case(
            "fashion",
            "Fashion, 16k x 784, 10 classes, 10 rounds",
            datasets.fashion,
            leaves31("multiclass", 10),
            accuracy,
            0.45,
            tolerance=0.005,
        ),
        Case("small", "100 rows x 5, 100 rounds", datasets.small, leaves31("binary", 100), auc, 1.0, fits=5),
        Case(
            "one_row",
            "Flights, 100 trees of depth 6: one row",
            datasets.flights,
            Boosting("binary", 100, max_depth=6),
            auc,
            latency=True,
        ),
        Case(
            "exact",
            "Exact trees, 100k x 10, 50 rounds of depth 6",
            datasets.narrow,
            SecondOrder("exact", 50),
            auc,
            0.5,
            rivals=("xgboost",),
        ),
        Case(
            "exact_first_order",
            "Exact trees on the gradient, 100k x 10, 20 rounds of depth 6",
            datasets.narrow,
            FirstOrder(20),
            auc,
            0.2,
            rivals=("scikit-learn",),
        ),
        Case(
            "approx",
            "Bins by the hessian, 100k x 10, 50 rounds of depth 6",
            datasets.narrow,
            SecondOrder("approx", 50),
            auc,
            0.7,
            rivals=("xgboost",),
        ),
        tree_case("tree_airline", "One tree: airline, 160k x 7", partial(datasets.airline, 200_000), "binary", 0.5),
        tree_case("tree_protein", "One tree: protein, 36k x 9", datasets.protein, "regression", 0.5),
        tree_case("tree_fashion", "One tree: fashion, 8k x 784", partial(datasets.fashion, 10_000), "multiclass", 0.5),
        forest_case("forest_letter", "Forest, 100 trees: letter, 16k x 16", datasets.letter, "multiclass", 100),
        forest_case(
            "forest_airline", "Forest, 30 trees: airline, 160k x 7", partial(datasets.airline, 200_000), "binary", 30
        ),
        forest_case("forest_protein", "Forest, 50 trees: protein, 36k x 9", datasets.protein, "regression", 50),
        Case(
            "adaboost",
            "AdaBoost, 50 stumps: flights, 80k x 11",
            partial(datasets.flights, 100_000),
            Stumps(50),
            accuracy,
            0.05,
            rivals=("scikit-learn",),
        ),
        multiway_case("id3", "ID3Classifier", accuracy),
        multiway_case("c45", "C45Classifier", auc),
        multiway_case("chaid", "CHAIDClassifier", auc),
        Case(
            "bagging",
            "Bagging, 30 trees: airline, 160k x 7",
            partial(datasets.airline, 200_000),
            Bags(30),
            accuracy,
            0.25,
            rivals=("scikit-learn",),
            tolerance=0.005,
        ),
        means_case("coastline", "k-means, 100: coastline, 1.5M x 2", datasets.coastline, 0.1, 100),
        means_case("pixels", "k-means, 64: pixels, 219k x 3", datasets.pixels, 0.1, 64),
        means_case("letter", "k-means, 26, to the end: letter, 16k x 16", datasets.letter, 0.4, 26, 300),
        means_case("components16", "k-means, 50: 16 components, 56k", partial(datasets.components, 16), 0.4),
        means_case("components64", "k-means, 50: 64 components, 56k", partial(datasets.components, 64), 0.6),
        means_case("fashion", "k-means, 50: fashion, 56k x 784", partial(datasets.fashion, 70_000), 0.3),
        means_case("fashion_bytes", "k-means, 50: fashion, 56k x 784 bytes", datasets.fashion_bytes, 0.2),
        means_case("many", "k-means, 1000: made, 160k x 64", datasets.blobs, 0.6, 1000),
        Case(
            "seeding",
            "k-means++, k 1000: pixels, 219k x 3",
            datasets.pixels,
            Seeding(1000),
            explained,
            0.2,
            rivals=("scikit-learn",),
        ),
        Case(
            "minibatch",
            "MiniBatchKMeans, k 64: pixels, 219k x 3",
            datasets.pixels,
            MiniBatch(64),
            explained,
            0.5,
            rivals=("scikit-learn",),
        ),
        *(density_case(name, density) for name, density in DENSITIES.items()),
    ]
}


def cases(names: list[str] | None = None) -> list[Case]:
    """The cases of these names, in their order; all of them without names."""
    unknown = sorted(set(names or ()) - set(CASES))
    if unknown:
        raise KeyError(f"no case named {', '.join(unknown)}; there are {', '.join(CASES)}")
    return [CASES[name] for name in names or CASES]
