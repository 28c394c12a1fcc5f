"""Decision trees grown to the end, forests and bags of them, and AdaBoost over stumps, for fastml and its peers.

fastml and scikit-learn choose among all thresholds. scikit-learn-intelex has no single tree: it gets a forest of one
tree on all rows and columns, which chooses among 256 bins a column, its default.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

Factory = Callable[[int], Any]  # number of threads -> estimator
SEED = 0


@dataclass(frozen=True)
class SingleTree:
    """A setting: for which kind of target."""

    task: str

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {
            "fastml": self.fastml,
            "scikit-learn": self.scikit_learn,
            "scikit-learn-intelex": self.scikit_learn_intelex,
        }

    def _name(self, family: str) -> str:
        return family + ("Regressor" if self.task == "regression" else "Classifier")

    def fastml(self, n_threads: int) -> Any:
        from fastml import tree

        return getattr(tree, self._name("DecisionTree"))(random_state=SEED, n_jobs=n_threads)

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn import tree

        return getattr(tree, self._name("DecisionTree"))(random_state=SEED)

    def scikit_learn_intelex(self, n_threads: int) -> Any:
        from sklearnex import ensemble

        kind = getattr(ensemble, self._name("RandomForest"))
        return kind(n_estimators=1, bootstrap=False, max_features=None, random_state=SEED, n_jobs=n_threads)


@dataclass(frozen=True)
class Forest:
    """A random forest with each library's defaults."""

    task: str
    n_trees: int

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        packages = {"fastml": "fastml", "scikit-learn": "sklearn", "scikit-learn-intelex": "sklearnex"}
        return {library: partial(self._forest, f"{package}.ensemble") for library, package in packages.items()}

    def _forest(self, module: str, n_threads: int) -> Any:
        name = "RandomForest" + ("Regressor" if self.task == "regression" else "Classifier")
        kind = getattr(import_module(module), name)
        return kind(n_estimators=self.n_trees, random_state=SEED, n_jobs=n_threads)


@dataclass(frozen=True)
class Stumps:
    """AdaBoost over trees of depth 1, for classes; scikit-learn-intelex has none of its own."""

    n_rounds: int

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {"fastml": self.fastml, "scikit-learn": self.scikit_learn}

    def fastml(self, n_threads: int) -> Any:
        from fastml.ensemble import AdaBoostClassifier
        from fastml.tree import DecisionTreeClassifier

        return AdaBoostClassifier(DecisionTreeClassifier(max_depth=1, n_jobs=n_threads), n_estimators=self.n_rounds)

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn.ensemble import AdaBoostClassifier

        return AdaBoostClassifier(n_estimators=self.n_rounds)


@dataclass(frozen=True)
class Bags:
    """Bagging over trees grown to the end, for classes; scikit-learn-intelex has none of its own."""

    n_members: int

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {"fastml": self.fastml, "scikit-learn": self.scikit_learn}

    def fastml(self, n_threads: int) -> Any:
        from fastml.ensemble import BaggingClassifier

        return BaggingClassifier(n_estimators=self.n_members, random_state=SEED, n_jobs=n_threads)

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn.ensemble import BaggingClassifier

        return BaggingClassifier(n_estimators=self.n_members, random_state=SEED, n_jobs=n_threads)
