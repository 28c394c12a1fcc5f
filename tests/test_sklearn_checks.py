"""scikit-learn's own checks hold for every public estimator; none is expected to fail."""

import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastml.cluster import DBSCAN
from fastml.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    XGBClassifier,
    XGBRegressor,
)
from fastml.tree import (
    C45Classifier,
    CHAIDClassifier,
    CHAIDRegressor,
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
    ID3Classifier,
)

ESTIMATORS = [
    XGBClassifier(n_estimators=10),
    XGBRegressor(n_estimators=10),
    XGBClassifier(n_estimators=5, tree_method="exact"),
    XGBRegressor(n_estimators=5, tree_method="approx"),
    GradientBoostingClassifier(n_estimators=10),
    GradientBoostingRegressor(n_estimators=10),
    GradientBoostingRegressor(n_estimators=5, tree_method="exact"),
    AdaBoostClassifier(n_estimators=5),
    AdaBoostRegressor(n_estimators=5),
    BaggingClassifier(n_estimators=5),
    BaggingRegressor(n_estimators=5),
    # So many that each row is drawn by one of them: a member is what refuses a value that is no number.
    BaggingClassifier(KNeighborsClassifier(), n_estimators=20),
    BaggingRegressor(Ridge(), n_estimators=20),
    BaggingRegressor(KNeighborsRegressor(), n_estimators=5, bootstrap=False),
    RandomForestClassifier(n_estimators=10),
    RandomForestRegressor(n_estimators=10),
    ExtraTreesClassifier(n_estimators=10),
    ExtraTreesRegressor(n_estimators=10),
    DecisionTreeClassifier(),
    DecisionTreeRegressor(),
    ExtraTreeClassifier(random_state=0),
    ExtraTreeRegressor(random_state=0),
    ID3Classifier(categorical_features="all"),  # the checks hand in numbers, which ID3 takes only when told so
    C45Classifier(),
    CHAIDClassifier(),
    CHAIDRegressor(),
    DBSCAN(),
    DBSCAN(metric="manhattan"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks(ESTIMATORS)
def test_a_check_of_scikit_learn_passes(estimator, check):
    check(estimator)
