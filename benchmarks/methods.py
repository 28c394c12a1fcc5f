"""Gradient boosting by other methods than histograms, spelled out for fastml and the one library that has the same.

Depth 6, learning rate 0.1, all rows and columns. XGBoost and fastml: L2 penalty 1, least hessian 1. scikit-learn's
GradientBoosting and fastml's: every split that there is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Factory = Callable[[int], Any]  # number of threads -> estimator
SEED = 0
DEPTH, RATE = 6, 0.1


@dataclass(frozen=True)
class SecondOrder:
    """XGBoost's `tree_method`."""

    tree_method: str
    n_rounds: int

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {"fastml": self.fastml, "xgboost": self.xgboost}

    def _parameters(self, n_threads: int) -> dict[str, Any]:
        return {
            "n_estimators": self.n_rounds,
            "max_depth": DEPTH,
            "learning_rate": RATE,
            "tree_method": self.tree_method,
            "n_jobs": n_threads,
            "random_state": SEED,
        }

    def fastml(self, n_threads: int) -> Any:
        from fastml.ensemble import XGBClassifier

        return XGBClassifier(**self._parameters(n_threads))

    def xgboost(self, n_threads: int) -> Any:
        from xgboost import XGBClassifier

        return XGBClassifier(**self._parameters(n_threads), verbosity=0)


@dataclass(frozen=True)
class FirstOrder:
    """scikit-learn's GradientBoostingClassifier, which sorts each node's columns and uses one thread."""

    n_rounds: int

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {"fastml": self.fastml, "scikit-learn": self.scikit_learn}

    def fastml(self, n_threads: int) -> Any:
        from fastml.ensemble import GradientBoostingClassifier

        return GradientBoostingClassifier(
            n_estimators=self.n_rounds,
            max_depth=DEPTH,
            learning_rate=RATE,
            tree_method="exact",
            n_jobs=n_threads,
            random_state=SEED,
        )

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn.ensemble import GradientBoostingClassifier

        return GradientBoostingClassifier(
            n_estimators=self.n_rounds, max_depth=DEPTH, learning_rate=RATE, random_state=SEED
        )
