"""Ensembles of trees."""

from fastml.ensemble.newton_boosting import XGBClassifier, XGBRegressor

__all__ = ["XGBClassifier", "XGBRegressor"]
