"""Ensembles of trees."""

from fastml.ensemble.adaboost import AdaBoostClassifier, AdaBoostRegressor
from fastml.ensemble.gradient_boosting import GradientBoostingClassifier, GradientBoostingRegressor
from fastml.ensemble.newton_boosting import XGBClassifier, XGBRegressor

__all__ = [
    "AdaBoostClassifier", "AdaBoostRegressor", "GradientBoostingClassifier", "GradientBoostingRegressor",
    "XGBClassifier", "XGBRegressor",
]  # fmt: skip
