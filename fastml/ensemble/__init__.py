"""Ensembles of trees."""

from fastml.ensemble.gradient_boosting import GradientBoostingClassifier, GradientBoostingRegressor
from fastml.ensemble.newton_boosting import XGBClassifier, XGBRegressor

__all__ = ["GradientBoostingClassifier", "GradientBoostingRegressor", "XGBClassifier", "XGBRegressor"]
