"""Ensembles of trees; each is loaded when it is asked for."""

from typing import TYPE_CHECKING

from fastml.lazy import lazily

if TYPE_CHECKING:
    from fastml.ensemble.adaboost import AdaBoostClassifier, AdaBoostRegressor
    from fastml.ensemble.bagging import BaggingClassifier, BaggingRegressor
    from fastml.ensemble.forest import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from fastml.ensemble.gradient_boosting import GradientBoostingClassifier, GradientBoostingRegressor
    from fastml.ensemble.newton_boosting import XGBClassifier, XGBRegressor

__all__ = [
    "AdaBoostClassifier", "AdaBoostRegressor", "BaggingClassifier", "BaggingRegressor", "ExtraTreesClassifier",
    "ExtraTreesRegressor", "GradientBoostingClassifier", "GradientBoostingRegressor", "RandomForestClassifier",
    "RandomForestRegressor", "XGBClassifier", "XGBRegressor",
]  # fmt: skip

_FAMILIES = {
    "AdaBoost": "adaboost", "Bagging": "bagging", "ExtraTrees": "forest", "RandomForest": "forest",
    "GradientBoosting": "gradient_boosting", "XGB": "newton_boosting",
}  # fmt: skip
_MODULES = {name: _FAMILIES[name.removesuffix("Classifier").removesuffix("Regressor")] for name in __all__}

__getattr__, __dir__ = lazily(__name__, _MODULES)
