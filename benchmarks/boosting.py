"""One setting of gradient boosting, spelled out for fastml and for each peer.

Everywhere the same: rounds, leaves (or depth), learning rate, 255 bins, L2 penalty 1, no subsampling, no early
stopping. What differs, and why:

- The least weight of a leaf is a sum of hessians, 1, for fastml, XGBoost and LightGBM (whose limit on the number of
  rows is switched off). scikit-learn and CatBoost limit rows instead: they get 5 rows for classes (a hessian is at
  most 1/4) and 1 for regression.
- CatBoost grows symmetric trees: it gets the depth whose leaves come nearest (31 leaves: depth 5), one Newton step a
  leaf as the others do, and neither bootstrap nor noise on the scores.
- LightGBM runs twice, plain and with quantised gradients.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_BINS = 255
MIN_HESSIAN = 1.0
MIN_ROWS = {"binary": 5, "multiclass": 5, "regression": 1}
SEED = 0

Factory = Callable[[int], Any]  # number of threads -> estimator


@dataclass(frozen=True)
class Boosting:
    """A setting. Leaves make best-first trees; without them, trees grow level by level to the depth."""

    task: str
    n_rounds: int
    max_leaves: int = 0
    max_depth: int = 0
    learning_rate: float = 0.1
    reg_lambda: float = 1.0
    categorical: bool = False

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {
            "fastml": self.fastml,
            "xgboost": self.xgboost,
            "lightgbm": self.lightgbm,
            "lightgbm quantised": self.lightgbm_quantised,
            "scikit-learn": self.scikit_learn,
            "catboost": self.catboost,
        }

    def _xgboost_names(self, n_threads: int) -> dict[str, Any]:
        growth = {"grow_policy": "lossguide", "max_leaves": self.max_leaves} if self.max_leaves else {}
        return growth | {
            "n_estimators": self.n_rounds,
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "reg_lambda": self.reg_lambda,
            "min_child_weight": MIN_HESSIAN,
            "max_bin": MAX_BINS,
            "tree_method": "hist",
            "n_jobs": n_threads,
            "random_state": SEED,
        }

    def fastml(self, n_threads: int) -> Any:
        from fastml import ensemble

        kind = ensemble.XGBRegressor if self.task == "regression" else ensemble.XGBClassifier
        return kind(**self._xgboost_names(n_threads))

    def xgboost(self, n_threads: int) -> Any:
        import xgboost

        kind = xgboost.XGBRegressor if self.task == "regression" else xgboost.XGBClassifier
        return kind(**self._xgboost_names(n_threads), enable_categorical=self.categorical, verbosity=0)

    def lightgbm(self, n_threads: int, **more: Any) -> Any:
        import lightgbm

        kind = lightgbm.LGBMRegressor if self.task == "regression" else lightgbm.LGBMClassifier
        return kind(
            n_estimators=self.n_rounds,
            num_leaves=self.max_leaves or 2**self.max_depth,
            max_depth=self.max_depth or -1,
            learning_rate=self.learning_rate,
            reg_lambda=self.reg_lambda,
            min_child_weight=MIN_HESSIAN,
            min_child_samples=1,
            max_bin=MAX_BINS,
            n_jobs=n_threads,
            random_state=SEED,
            verbosity=-1,
            **more,
        )

    def lightgbm_quantised(self, n_threads: int) -> Any:
        return self.lightgbm(n_threads, use_quantized_grad=True)

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn import ensemble
        from threadpoolctl import threadpool_limits

        threadpool_limits(n_threads, "openmp")  # it has no n_jobs
        regression = self.task == "regression"
        kind = ensemble.HistGradientBoostingRegressor if regression else ensemble.HistGradientBoostingClassifier
        return kind(
            max_iter=self.n_rounds,
            max_leaf_nodes=self.max_leaves or None,
            max_depth=self.max_depth or None,
            learning_rate=self.learning_rate,
            l2_regularization=self.reg_lambda,
            min_samples_leaf=MIN_ROWS[self.task],
            max_bins=MAX_BINS,
            categorical_features="from_dtype" if self.categorical else None,
            early_stopping=False,
            random_state=SEED,
        )

    def catboost(self, n_threads: int) -> Any:
        import catboost

        kind = catboost.CatBoostRegressor if self.task == "regression" else catboost.CatBoostClassifier
        return kind(
            iterations=self.n_rounds,
            depth=self.max_depth or round(np.log2(self.max_leaves)),
            learning_rate=self.learning_rate,
            l2_leaf_reg=self.reg_lambda,
            min_data_in_leaf=MIN_ROWS[self.task],
            border_count=MAX_BINS - 1,
            leaf_estimation_iterations=1,
            bootstrap_type="No",
            random_strength=0,
            cat_features=None,
            thread_count=n_threads,
            random_seed=SEED,
            allow_writing_files=False,
            verbose=False,
        )


def fit(library: str, estimator: Any, X: Any, y: np.ndarray) -> Any:
    """estimator.fit(X, y); CatBoost must be told which columns are categories."""
    if library == "catboost" and hasattr(X, "dtypes"):
        names = [name for name, dtype in zip(X.columns, X.dtypes, strict=True) if dtype.name == "category"]
        return estimator.fit(X, y, cat_features=names)
    return estimator.fit(X, y)


def batch_predict(estimator: Any, X: Any) -> np.ndarray:
    """Probabilities of a classifier, values of a regressor."""
    return estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)


def one_row(library: str, estimator: Any) -> Callable[[np.ndarray], Any]:
    """The shortest way that the library has from one row, (d,) float32, to its prediction from Python."""
    if library == "fastml":
        return estimator.predictor()
    if library == "xgboost":
        booster = estimator.get_booster()
        return lambda row: booster.inplace_predict(row[None])
    if library.startswith("lightgbm"):
        booster = estimator.booster_
        return lambda row: booster.predict(row[None])
    if library == "catboost":
        return lambda row: estimator.predict(row, prediction_type="RawFormulaVal", thread_count=1)
    return lambda row: batch_predict(estimator, row[None])
