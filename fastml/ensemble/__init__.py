"""Ensembles of trees."""

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
