"""scikit-learn's ensembles of different estimators take ours: Voting*, Stacking*."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_friedman1
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor

from fastml import ensemble, tree

CLASSIFIERS = [
    ("forest", ensemble.RandomForestClassifier(10, random_state=0)),
    ("extra", ensemble.ExtraTreesClassifier(10, random_state=0)),
    ("bagging", ensemble.BaggingClassifier(random_state=0)),
    ("ada", ensemble.AdaBoostClassifier(n_estimators=10)),
    ("gradient", ensemble.GradientBoostingClassifier(n_estimators=10)),
    ("newton", ensemble.XGBClassifier(n_estimators=10)),
    ("tree", tree.DecisionTreeClassifier(max_depth=4)),
    ("random", tree.ExtraTreeClassifier(random_state=0)),
]
REGRESSORS = [
    ("forest", ensemble.RandomForestRegressor(10, random_state=0)),
    ("extra", ensemble.ExtraTreesRegressor(10, random_state=0)),
    ("bagging", ensemble.BaggingRegressor(random_state=0)),
    ("ada", ensemble.AdaBoostRegressor(n_estimators=10)),
    ("gradient", ensemble.GradientBoostingRegressor(n_estimators=30)),
    ("newton", ensemble.XGBRegressor(n_estimators=30)),
    ("tree", tree.DecisionTreeRegressor(max_depth=6)),
    ("random", tree.ExtraTreeRegressor(random_state=0)),
]


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("voting", ["soft", "hard"])
def test_classes_by_vote(voting, n_jobs):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = VotingClassifier(CLASSIFIERS, voting=voting, n_jobs=n_jobs).fit(X, names, sample_weight=np.ones(150))
    assert model.score(X, names) > 0.95
    if voting == "soft":
        each = [member.predict_proba(X) for member in model.estimators_]
        np.testing.assert_allclose(model.predict_proba(X), np.mean(each, axis=0), rtol=1e-6)


def test_numbers_by_mean():
    X, y = make_friedman1(300, random_state=0)
    model = VotingRegressor(REGRESSORS).fit(X, y, sample_weight=np.ones(300))
    assert model.score(X, y) > 0.85
    np.testing.assert_allclose(model.predict(X), np.mean([m.predict(X) for m in model.estimators_], axis=0), rtol=1e-6)


@pytest.mark.parametrize("final", [None, ensemble.BaggingClassifier(random_state=0), ensemble.XGBClassifier()])
def test_classes_by_a_stack(final):
    X, y = load_iris(return_X_y=True)
    model = StackingClassifier(CLASSIFIERS, final, cv=3).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.transform(X).shape == (150, 3 * len(CLASSIFIERS))


@pytest.mark.parametrize("final", [None, ensemble.RandomForestRegressor(20, random_state=0)])
def test_numbers_by_a_stack(final):
    X, y = make_friedman1(300, random_state=0)
    model = StackingRegressor(REGRESSORS, final, cv=3, passthrough=True).fit(X, y)
    assert model.score(X, y) > 0.8
    assert model.transform(X).shape == (300, len(REGRESSORS) + 10)


def test_stacks_and_votes_as_members_of_bagging():
    X, y = load_iris(return_X_y=True)
    inner = VotingClassifier(CLASSIFIERS[-2:], voting="soft")
    model = ensemble.BaggingClassifier(inner, 3, max_features=0.8, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    assert len({member.estimators_[1].random_state for member in model}) == 3
