"""Ensembles of trees; each is loaded when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "AdaBoost": "adaboost", "Bagging": "bagging", "ExtraTrees": "forest", "RandomForest": "forest",
    "GradientBoosting": "gradient_boosting", "XGB": "newton_boosting",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    family = name.removesuffix("Classifier").removesuffix("Regressor")
    value = getattr(import_module(f"{__name__}.{_MODULES[family]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
