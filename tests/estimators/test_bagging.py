"""Bagging over trees of ours, against trees fitted alone, and over any estimator, against scikit-learn's."""

import pickle
import signal

import numpy as np
import pandas as pd
import pytest
from sklearn import ensemble as peer
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_friedman1
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC

import fastml.io
from fastml.ensemble import BaggingClassifier, BaggingRegressor, RandomForestClassifier, XGBClassifier
from fastml.exceptions import FitInterrupted
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

SUBSETS = [
    {},
    {"max_samples": 0.6, "max_features": 0.5},
    {"max_samples": 0.6, "bootstrap": False},
    {"bootstrap": False, "max_features": 3},
    {"max_features": 1.0, "bootstrap_features": True},
]


def numbers(n=300, seed=1):
    X, y = make_friedman1(n, 6, noise=1.0, random_state=seed)
    return X.astype(np.float32), y


def classes(n_classes=3, n=300):
    X, y = numbers(n)
    return X, np.array(["low", "mid", "top"])[np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))]


def in_bag(model, n):
    return [np.bincount(own, minlength=n) for own in model.estimators_samples_]


@pytest.mark.parametrize("options", SUBSETS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_each_tree_is_the_one_of_its_rows_and_columns(options, n_classes):
    X, y = classes(n_classes)
    model = BaggingClassifier(DecisionTreeClassifier(max_depth=2), 6, random_state=0, **options).fit(X, y)
    codes = np.searchsorted(model.classes_, y)
    for member, count, features in zip(model, in_bag(model, len(y)), model.estimators_features_, strict=True):
        alone = clone(member).fit(X[:, features], codes, sample_weight=count.astype(float))
        np.testing.assert_allclose(member.predict_proba(X[:, features]), alone.predict_proba(X[:, features]))
        np.testing.assert_allclose(member.feature_importances_, alone.feature_importances_, atol=1e-12)
        np.testing.assert_array_equal(member.tree_.feature, alone.tree_.feature)


@pytest.mark.parametrize("options", SUBSETS)
def test_leaves_of_deep_trees_say_the_classes_of_their_rows(options):
    X, y = classes()
    model = BaggingClassifier(n_estimators=6, random_state=0, **options).fit(X, y)
    one_hot = np.eye(3)[np.searchsorted(model.classes_, y)]
    each = []
    for member, count, features in zip(model, in_bag(model, len(y)), model.estimators_features_, strict=True):
        leaf = member.apply(X[:, features])
        sums = np.zeros((leaf.max() + 1, 3))
        np.add.at(sums, leaf, one_hot * count[:, None])
        assert (sums.max(axis=1) == sums.sum(axis=1)).all(), "grown to the end"
        each.append(member.predict_proba(X[:, features]))
        np.testing.assert_array_equal(each[-1], sums[leaf] / sums[leaf].sum(axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(X), np.mean(each, axis=0), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X), model.classes_[np.mean(each, axis=0).argmax(axis=1)])


@pytest.mark.parametrize("options", SUBSETS)
@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error"])
def test_each_tree_of_numbers_too(options, criterion):
    X, y = numbers()
    y = np.stack([y, -(y**2)], axis=1)
    template = DecisionTreeRegressor(max_depth=2, criterion=criterion)
    model = BaggingRegressor(template, 5, random_state=0, **options).fit(X, y)
    each = []
    for member, count, features in zip(model, in_bag(model, len(y)), model.estimators_features_, strict=True):
        alone = clone(member).fit(X[:, features], y, sample_weight=count.astype(float))
        np.testing.assert_allclose(member.predict(X[:, features]), alone.predict(X[:, features]))
        each.append(member.predict(X[:, features]))
    np.testing.assert_allclose(model.predict(X), np.mean(each, axis=0))


TEMPLATES = [
    None, DecisionTreeClassifier(class_weight="balanced"), ExtraTreeClassifier(max_features=2), LogisticRegression(),
    KNeighborsClassifier(),
]  # fmt: skip


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(
    "options", [{}, {"max_samples": 0.5, "max_features": 3}, {"max_samples": 90, "bootstrap": False}]
)
@pytest.mark.filterwarnings("ignore:When fitting BaggingClassifier with sample_weight")
def test_a_weight_of_two_is_a_row_given_twice_and_the_order_of_rows_is_nothing(template, options):
    X, y = classes(n=150)
    rng = np.random.default_rng(0)
    times = rng.integers(0, 3, len(y))
    rows = rng.permutation(np.repeat(np.arange(len(y)), times))
    model = BaggingClassifier(template, 6, random_state=0, **options)
    weighted = model.fit(X, y, sample_weight=10.0 * times).predict_proba(X)
    repeated = model.fit(X[rows], y[rows]).predict_proba(X)
    np.testing.assert_allclose(weighted, repeated, atol=1e-4 if isinstance(template, LogisticRegression) else 1e-12)
    turned = model.fit(X[rows[::-1]], y[rows[::-1]]).predict_proba(X)
    np.testing.assert_array_equal(turned, repeated)


def test_weights_of_any_size_where_all_rows_are_seen():
    X, y = numbers(200)
    weight = np.random.default_rng(0).exponential(size=200)
    with pytest.warns(UserWarning, match="recommended to use bootstrap=True"):
        model = BaggingRegressor(n_estimators=2, bootstrap=False).fit(X, y, sample_weight=weight)
    alone = DecisionTreeRegressor().fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.predict(X), alone.predict(X))
    with pytest.raises(ValueError, match="takes no sample_weight, and the weights are no multiples"):
        BaggingRegressor(KNeighborsRegressor(), bootstrap=False).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("options", SUBSETS)
@pytest.mark.parametrize("template", [None, ExtraTreeClassifier(), KNeighborsClassifier(), LinearSVC()])
def test_the_same_bits_for_any_n_jobs(options, template):
    X, y = classes(n=400)
    models = [BaggingClassifier(template, 7, n_jobs=n, random_state=0, **options).fit(X, y) for n in (1, 2, 5)]
    says = "predict_log_proba" if hasattr(template, "predict_log_proba") else "predict_proba"
    for other in models[1:]:
        np.testing.assert_array_equal(getattr(other, says)(X), getattr(models[0], says)(X))
        assert (other.classes_ == models[0].classes_).all()
    if isinstance(template, LinearSVC):
        np.testing.assert_array_equal(models[0].decision_function(X), models[2].decision_function(X))


@pytest.mark.parametrize("template", [None, KNeighborsClassifier()])
@pytest.mark.parametrize("options", SUBSETS)
def test_a_warm_start_ends_where_one_fit_does(template, options):
    X, y = classes()
    whole = BaggingClassifier(template, 7, random_state=3, **options).fit(X, y)
    warm = BaggingClassifier(template, 3, random_state=3, warm_start=True, **options).fit(X, y)
    warm.set_params(n_estimators=7).fit(X, y)
    assert len(warm) == 7
    np.testing.assert_array_equal(warm.predict_proba(X), whole.predict_proba(X))
    np.testing.assert_array_equal(warm.estimators_samples_[5], whole.estimators_samples_[5])
    with pytest.raises(ValueError, match="columns and classes"):
        warm.set_params(n_estimators=8).fit(X, np.where(y == "low", "none", y))
    with pytest.raises(ValueError, match="members of one kind"):
        warm.set_params(estimator=LogisticRegression() if template is None else None).fit(X, y)
    np.testing.assert_array_equal(warm.predict_proba(X), whole.predict_proba(X))


def test_scores_are_scikit_learns_within_chance():
    X, y = numbers(1000)
    new, target = numbers(1000, seed=2)
    for options in ({}, {"max_features": 0.5, "max_samples": 0.5}):
        ours = BaggingRegressor(n_estimators=60, random_state=0, **options).fit(X, y).score(new, target)
        theirs = peer.BaggingRegressor(n_estimators=60, random_state=0, **options).fit(X, y).score(new, target)
        assert ours == pytest.approx(theirs, abs=0.02)


def part_of(frame, columns):
    """A frame of these columns, of which some may be there twice."""
    part = frame.iloc[:, columns]
    return part if len(set(columns)) == len(columns) else part.set_axis([f"c{k}" for k in range(len(columns))], axis=1)


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("options", [{}, {"max_features": 2}, {"max_features": 1.0, "bootstrap_features": True}])
def test_frames_categories_and_missing_values_over_our_trees(options, tmp_path):
    rng = np.random.default_rng(0)
    level = rng.choice(np.array(list("abcdef")), 400)
    frame = pd.DataFrame({"level": pd.Categorical(level), "x": rng.normal(size=400), "z": rng.normal(size=400)})
    frame.loc[::9, "x"] = np.nan
    y = np.isin(level, ["b", "e"]) ^ (frame["x"] > 0).to_numpy()
    model = BaggingClassifier(n_estimators=15, oob_score=True, random_state=0, **options).fit(frame, y)
    assert model.score(frame, y) > 0.9
    assert list(model.feature_names_in_) == ["level", "x", "z"]
    each = [
        member.predict_proba(part_of(frame, own)) for member, own in zip(model, model.estimators_features_, strict=True)
    ]
    np.testing.assert_allclose(np.mean(each, axis=0), model.predict_proba(frame), atol=1e-12)
    model.save(tmp_path / "model")
    loaded = fastml.io.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    np.testing.assert_array_equal(loaded[3].predict_proba(part_of(frame, loaded.estimators_features_[3])), each[3])
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(frame), model.predict_proba(frame))


def test_parameters_of_the_trees_hold_for_columns_of_their_own():
    X, y = numbers()
    template = DecisionTreeRegressor(monotonic_cst=[1, 1, 0, 1, 0, -1], ccp_alpha=0.05, min_weight_fraction_leaf=0.02)
    model = BaggingRegressor(template, 10, max_features=4, random_state=0).fit(X, y)
    assert max(member.get_n_leaves() for member in model) < 50
    for j, sign in ((0, 1), (1, 1), (3, 1), (5, -1)):
        moved = X.copy()
        moved[:, j] += 0.2
        assert (sign * (model.predict(moved) - model.predict(X)) >= -1e-12).all()


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_training_data_are_not_kept():
    X, y = numbers()
    for model in (BaggingRegressor(n_estimators=2, oob_score=True), BaggingRegressor(LinearRegression(), 2)):
        assert {"_y", "_codes", "_trees"}.isdisjoint(vars(model.fit(X, y)))
    assert "BaggingRegressor" in model._repr_html_()
    assert clone(model).get_params()["estimator__fit_intercept"] is True


class PressesCtrlC(KNeighborsClassifier):
    """In its third fit."""

    fits = 0

    def fit(self, X, y):
        PressesCtrlC.fits += 1
        if PressesCtrlC.fits == 3:
            signal.raise_signal(signal.SIGINT)
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_ctrl_c_leaves_the_members_so_far():
    X, y = classes()
    PressesCtrlC.fits = 0
    with pytest.warns(FitInterrupted, match="after 3 of 50 rounds"):
        model = BaggingClassifier(PressesCtrlC(), 50, oob_score=True, max_samples=0.2).fit(X, y)
    assert len(model) == len(model.estimators_samples_) == 3
    assert model.stop_reason_ == "interrupt"
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)


@pytest.mark.parametrize("template", [None, KNeighborsClassifier()])
def test_a_callback_can_stop_the_fit(template):
    callback = pytest.importorskip("sklearn.callback")

    class Stops(BaseEstimator):
        max_propagation_depth = 1
        seen = 0

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, *args, **kwargs):
            pass

        def on_fit_task_end(self, *args, **kwargs):
            self.seen += 1
            return self.seen == 4

        def teardown(self, estimator, context):
            pass

    assert callback is not None
    X, y = classes()
    model = BaggingClassifier(template, 20, random_state=0).set_callbacks(Stops()).fit(X, y)
    assert len(model) == 4
    assert model.stop_reason_ == "callback"


def test_members_that_know_some_of_the_classes():
    X, y = classes()
    model = BaggingClassifier(KNeighborsClassifier(1), 30, max_samples=2, random_state=0).fit(X, y)
    assert min(len(member.classes_) for member in model) < 3
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)

    class NoWeights(LogisticRegression):
        def fit(self, X, y):
            return super().fit(X, y)

    few = BaggingClassifier(NoWeights(), 5, max_samples=4, random_state=1).fit(X[:60], y[:60])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(np.exp(few.predict_log_proba(X)), few.predict_proba(X), atol=1e-12)
    if min(len(member.classes_) for member in few) < 3:
        with pytest.raises(ValueError, match="knows only"):
            few.decision_function(X)


def test_boosters_of_ours_as_members():
    X, y = load_iris(return_X_y=True)
    X[::5, 1] = np.nan
    model = BaggingClassifier(XGBClassifier(n_estimators=3, max_depth=2), 4, max_features=0.8, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model[0].random_state != model[1].random_state


def test_nothing_is_printed_unless_asked(capfd):
    X, y = classes()
    for template in (None, KNeighborsClassifier()):
        BaggingClassifier(template, 2).fit(X, y).predict(X)
    assert capfd.readouterr() == ("", "")
    BaggingClassifier(KNeighborsClassifier(), 2, verbose=2).fit(X, y)
    assert "Done" in "".join(capfd.readouterr())
    PressesCtrlC.fits = 0
    with pytest.warns(FitInterrupted):
        assert len(BaggingClassifier(PressesCtrlC(), 5, verbose=2).fit(X, y)) == 3


class Votes(ClassifierMixin, BaseEstimator):
    """Knows no probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.where(X[:, 0] > 0.5, self.classes_[-1], self.classes_[0])


def test_members_without_probabilities_vote():
    X, y = classes()
    model = BaggingClassifier(Votes(), 4, max_samples=50).fit(X, y)
    assert set(np.unique(model.predict_proba(X))) <= {0.0, 1.0}
    assert not hasattr(model, "decision_function")
    assert not hasattr(BaggingClassifier().fit(X, y), "decision_function")


def one_heavy_row(n_classes):
    X = np.arange(60.0).reshape(-1, 1)
    weight = np.ones(60)
    weight[3] = 200_000.0
    return X, np.arange(60) % n_classes, weight


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_row_that_is_drawn_very_often(n_classes):
    X, y, weight = one_heavy_row(n_classes)
    for template in (BaggingClassifier(n_estimators=3), RandomForestClassifier(3)):
        model = clone(template).set_params(random_state=0).fit(X, y, sample_weight=weight)
        for member in model:
            assert member._fitted.weight[0] == weight.sum()
            assert member._fitted.value[0, 0, 3 % n_classes] > 0.99
    many = BaggingClassifier(n_estimators=2, max_samples=400_000).fit(X[:4], y[:4])
    assert many[0]._fitted.weight[0] == 400_000


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_one_class():
    X = numbers()[0]
    model = BaggingClassifier(n_estimators=3, oob_score=True, max_samples=0.3).fit(X, np.full(len(X), "only"))
    assert (model.predict(X) == "only").all()
    assert model.predict_proba(X).shape == (len(X), 1)


NAN = np.where(np.arange(8) == 3, np.nan, 1.0).reshape(4, 2)


@pytest.mark.parametrize(
    "model, fit, message",
    [
        (BaggingClassifier(estimator="tree"), {}, "The 'estimator' parameter .*fitted anew for each member"),
        (BaggingClassifier(estimator=object()), {}, "The 'estimator' parameter"),
        (BaggingClassifier(n_estimators=0), {}, "n_estimators"),
        (BaggingClassifier(max_samples=0), {}, "max_samples"),
        (BaggingClassifier(max_samples=1.5), {}, "max_samples"),
        (BaggingClassifier(max_features=0.0), {}, "max_features"),
        (BaggingClassifier(max_features=3), {}, "max_features must be <= n_features"),
        (BaggingClassifier(max_samples=5, bootstrap=False), {}, "max_samples=5 must be <= n_samples=4"),
        (BaggingClassifier(max_samples=1.0, bootstrap=False), {"sample_weight": [0.1, 0.2, 0.3, 9.0]},
         "max_samples=9 must be <= n_samples=4"),
        (BaggingClassifier(oob_score=True, bootstrap=False), {}, "only available if bootstrap=True"),
        (BaggingClassifier(oob_score=True, warm_start=True), {}, "only available if warm_start=False"),
        (BaggingClassifier(), {"sample_weight": np.zeros(4)}, "at least one non-zero"),
        (BaggingClassifier(LogisticRegression()), {"sample_weight": np.zeros(4)}, "at least one non-zero"),
        (BaggingClassifier(), {"sample_weight": [1, -1, 1, 1]}, "Negative values"),
        (BaggingClassifier(LogisticRegression()), {"X": NAN}, "Input X contains NaN"),
        (BaggingClassifier(), {"X": np.where(np.isnan(NAN), np.inf, 1.0)}, "Input X contains infinity"),
        (BaggingClassifier(DecisionTreeClassifier(max_depth=0)), {}, "max_depth"),
        (BaggingClassifier(DecisionTreeClassifier(class_weight={0: 1.0, 1: 0.0}), max_samples=1), {}, "leaves none of"),
        (BaggingClassifier(DecisionTreeClassifier(class_weight={2: 1.0})), {}, "class_weight names"),
        (BaggingClassifier(), {"y": [0.5, 1, 0, 1]}, "continuous"),
        (BaggingClassifier(KNeighborsClassifier()), {"y": [0.5, 1, 0, 1]}, "continuous"),
        (BaggingClassifier(), {"y": [0, 1]}, "inconsistent"),
        (BaggingClassifier(), {"y": np.eye(4)}, "1d array"),
        (BaggingClassifier(LogisticRegression()), {"y": np.eye(4)}, "1d array"),
        (BaggingRegressor(), {"y": [0.5, np.nan, 0, 1]}, "Input y contains NaN"),
        (BaggingRegressor(LinearRegression()), {"y": [0.5, np.nan, 0, 1]}, "Input y contains NaN"),
        (BaggingClassifier(), {"metadata": 1}, "enable_metadata_routing"),
        (BaggingClassifier(n_jobs=0), {}, "n_jobs"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Using the fractional value", "ignore:When fitting")
def test_bad_input(model, fit, message):
    given = {"X": np.arange(8.0).reshape(4, 2), "y": [0, 1, 0, 1], **fit}
    with pytest.raises(ValueError, match=message):
        model.fit(**given)


def test_weights_that_make_few_rows_warn():
    X, y = classes()
    with pytest.warns(UserWarning, match=r"low number \(1\) of bootstrap samples") as caught:
        BaggingClassifier(n_estimators=1, max_samples=1.0).fit(X, y, sample_weight=np.full(len(y), 1 / 900))
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="max_samples=301 must be <= n_samples=300"):
        BaggingClassifier(bootstrap=False, max_samples=301).fit(X, y)
