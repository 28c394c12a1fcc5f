"""What a model predicts over two columns: the picture shows its answers; bad input is refused with a reason."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from fastml.ensemble import XGBClassifier, XGBRegressor
from fastml.plotting import plot_decision_boundary
from fastml.plotting.colours import by_class, hues, scale
from fastml.tree import C45Classifier, DecisionTreeClassifier, DecisionTreeRegressor

plt = pytest.importorskip("matplotlib.pyplot")
X, y = load_iris(return_X_y=True)
NAMES = load_iris().target_names[y]
GRID = 7


@pytest.fixture(autouse=True)
def _without_windows():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def mesh(ax):
    """The filled grid."""
    return next(c for c in ax.collections if type(c).__name__ == "QuadMesh")


def grid(columns):
    """The places on both sides."""
    low, high = columns.min(axis=0), columns.max(axis=0)
    beyond = 0.05 * (high - low)
    return [np.linspace(a, b, GRID) for a, b in zip(low - beyond, high + beyond, strict=True)]


class Asked(DecisionTreeClassifier):
    """Counts its questions."""

    def predict_proba(self, X, check_input=True):
        self.asked_ = [*getattr(self, "asked_", []), X]
        return super().predict_proba(X)


def test_the_model_is_asked_once_for_all_places():
    model = Asked(max_depth=3).fit(X, NAMES)
    ax = plot_decision_boundary(model, X, features=[3, 1], resolution=GRID)
    (rows,) = model.asked_
    across, up = grid(X[:, [3, 1]])
    np.testing.assert_allclose(rows[:, 3], np.tile(across, GRID))
    np.testing.assert_allclose(rows[:, 1], np.repeat(up, GRID))
    np.testing.assert_allclose(rows[:, [0, 2]], np.tile(np.median(X, axis=0)[[0, 2]], (GRID**2, 1)))
    expected = by_class(DecisionTreeClassifier(max_depth=3).fit(X, NAMES).predict_proba(rows), hues(3))
    np.testing.assert_allclose(np.asarray(mesh(ax).get_array()).reshape(-1, 3), expected)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x3", "x1")
    assert ax.get_title().splitlines() == ["Asked", "2 other columns held at median or most frequent value"]


def test_two_classes_show_the_probability_of_the_second():
    model = LogisticRegression().fit(X[:, :2], y > 0)
    ax = plot_decision_boundary(model, X[:, :2], y > 0, resolution=GRID, class_names=["no", "yes"])
    across, up = grid(X[:, :2])
    rows = np.stack([np.tile(across, GRID), np.repeat(up, GRID)], axis=1)
    np.testing.assert_allclose(np.asarray(mesh(ax).get_array()).ravel(), model.predict_proba(rows)[:, 1])
    assert any(other.get_ylabel() == "probability of yes" for other in ax.figure.axes)
    points = ax.collections[-1]
    np.testing.assert_allclose(points.get_offsets(), X[:, :2])
    ends = scale(0.0, 1.0, None, two_sided=True).to_rgba([0.0, 1.0])
    np.testing.assert_allclose(points.get_facecolors(), ends[(y > 0).astype(int)])
    assert len(ax.collections) == 3  # grid, boundary, points


def test_scores_show_their_sign():
    model = SVC().fit(X[:, :2], y > 0)
    ax = plot_decision_boundary(model, X[:, :2], resolution=GRID)
    norm = mesh(ax).norm
    assert norm.vmin == -norm.vmax
    assert any(other.get_ylabel() == "decision function, above 0: True" for other in ax.figure.axes)
    plot_decision_boundary(IsolationForest(n_estimators=5, random_state=0).fit(X[:, :2]), X[:, :2], np.sign(y - 0.5))


def test_scores_of_several_classes_and_labels_are_coloured_by_class():
    model = SVC().fit(X[:, 2:], NAMES)
    best = np.asarray(mesh(plot_decision_boundary(model, X[:, 2:], resolution=GRID)).get_array())
    labels = np.asarray(mesh(plot_decision_boundary(model, X[:, 2:], resolution=GRID, response="predict")).get_array())
    across, up = grid(X[:, 2:])
    said = model.predict(np.stack([np.tile(across, GRID), np.repeat(up, GRID)], axis=1))
    own = hues(3)[np.searchsorted(model.classes_, said)]
    np.testing.assert_allclose(labels.reshape(-1, 3), own)
    assert (np.abs(best.reshape(-1, 3) - 1) <= np.abs(own - 1) + 1e-9).all()  # the same hues, paler
    plot_decision_boundary(KMeans(4, n_init=1, random_state=0).fit(X[:, :2]), X[:, :2])
    one = plot_decision_boundary(DecisionTreeClassifier().fit(X, y * 0), X, features=[0, 1], resolution=GRID)
    np.testing.assert_allclose(np.asarray(mesh(one).get_array()).reshape(-1, 3), np.tile(hues(1), (GRID**2, 1)))


def test_labels_of_two_classes_are_no_probabilities():
    ax = plot_decision_boundary(SVC().fit(X[:, :2], y > 0), X[:, :2], response="predict")
    assert any(other.get_ylabel() == "predicted True" for other in ax.figure.axes)
    assert set(np.unique(mesh(ax).get_array())) == {0.0, 1.0}


def test_whole_numbers_of_a_regressor_stay_numbers():
    model = DecisionTreeRegressor(max_depth=2).fit(X[:, :2], X[:, 2])
    rounded = type("Rounded", (DecisionTreeRegressor,), {
        "predict": lambda self, X: np.round(model.predict(X)).astype(int), "__init__": DecisionTreeRegressor.__init__,
    })  # fmt: skip
    ax = plot_decision_boundary(rounded().fit(X[:, :2], X[:, 2]), X[:, :2])
    assert any(other.get_ylabel() == "prediction" for other in ax.figure.axes)


def test_numbers_are_contours():
    model = DecisionTreeRegressor(max_depth=4).fit(X[:, :2], X[:, 2])
    ax = plot_decision_boundary(model, X[:, :2], X[:, 2])
    assert type(ax.collections[0]).__name__ == "QuadContourSet"
    assert any(other.get_ylabel() == "prediction" for other in ax.figure.axes)
    flat = plot_decision_boundary(DecisionTreeRegressor().fit(X[:, :2], np.ones(150)), X[:, :2])
    assert type(flat.collections[0]).__name__ == "QuadMesh"


def shops(n=300):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "shop": rng.choice(list("dbca"), n), "age": rng.integers(18, 80, n), "kind": rng.choice(["x", "y"], n),
        "open": rng.random(n) > 0.4, "since": pd.date_range("2024-01-01", periods=n),
    })  # fmt: skip
    frame.loc[::9, "shop"] = None
    return frame, np.where(frame["shop"].isin(["a", "b"]), frame["age"] > 50, frame["age"] > 30)


@pytest.mark.parametrize("make", [
    lambda f: f, pl.from_pandas, lambda f: f.astype({"shop": "category", "kind": "category"}),
    lambda f: f.set_index(np.arange(len(f))[::-1] * 3), lambda f: f.assign(age=f["age"].astype("Int64")),
])  # fmt: skip
def test_columns_of_categories_have_a_place_a_level(make):
    frame, target = shops()
    frame = make(frame)
    model = C45Classifier().fit(frame, target)
    ax = plot_decision_boundary(model, frame, target, features=["shop", "age"], resolution=GRID)
    assert [label.get_text() for label in ax.get_xticklabels()] == list("abcd")
    shares = np.asarray(mesh(ax).get_array()).reshape(GRID, 4)
    assert (shares[0] < 0.5).all()
    assert (shares[-1] > 0.5).all()
    assert (shares[3] < 0.5).tolist() == [True, True, False, False]  # aged 48
    both = plot_decision_boundary(model, frame, features=["shop", "open"], held={"age": 40, "kind": "y"})
    assert np.asarray(mesh(both).get_array()).size == 8
    assert "3 other columns held: age = 40, kind = y, the rest at" in both.get_title()


def test_numbers_that_the_fit_took_as_categories_are_levels():
    codes = np.stack([np.arange(200) % 5, np.arange(200) % 7], axis=1).astype(float)
    model = DecisionTreeClassifier(categorical_features=[0]).fit(codes, codes[:, 0] % 2)
    ax = plot_decision_boundary(model, codes, resolution=GRID)
    assert np.asarray(mesh(ax).get_array()).shape == (GRID, 5)


def test_text_in_arrays_is_levels_or_numbers():
    text = np.array([[str(i), "ab"[i % 2], "c"] for i in range(50)])
    target = np.arange(50) > 20
    ax = plot_decision_boundary(LevelsOfFirst(), text, target, features=[0, 1], resolution=GRID)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_xlim() == pytest.approx((-2.45, 51.45))


class LevelsOfFirst:
    """A model of no library, which checks what it is asked and says the first column."""

    def predict(self, X):
        assert set(X[:, 1]) == {"a", "b"}
        assert set(X[:, 2]) == {"c"}
        np.testing.assert_allclose(np.unique(X[:, 0].astype(float)), np.linspace(-2.45, 51.45, GRID))
        return X[:, 0].astype(float)


def test_a_row_can_hold_the_others():
    model = Asked(max_depth=3).fit(X, NAMES)
    plot_decision_boundary(model, X, features=[0, 1], resolution=GRID, held=120)
    (rows,) = model.asked_
    assert (rows[:, 2:] == X[120, 2:]).all()


def test_names_and_importances_choose_the_columns():
    frame = load_iris(as_frame=True).data
    model = XGBClassifier(n_estimators=5).fit(frame, y)
    best = np.argsort(-model.feature_importances_, kind="stable")[:2]
    ax = plot_decision_boundary(model, frame)
    assert [ax.get_xlabel(), ax.get_ylabel()] == frame.columns[best].tolist()
    ax = plot_decision_boundary(model, frame, features=["sepal width (cm)", -1])
    assert [ax.get_xlabel(), ax.get_ylabel()] == ["sepal width (cm)", "petal width (cm)"]
    plot_decision_boundary(make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:, :2], y), X[:, :2].tolist(), y)
    plot_decision_boundary(XGBRegressor(n_estimators=2).fit(X[:, :2], y), np.where(X[:, :2] > 5, np.nan, X[:, :2]))


FITTED = DecisionTreeClassifier().fit(X, y)
DATES, LATE = shops()
WITH_DATES = DecisionTreeClassifier().fit(DATES, LATE)


@pytest.mark.parametrize("options, error, match", [
    ({"features": [0, 9]}, ValueError, "features has 9, which is no column: give a number below 4, or one of 'x0'"),
    ({"features": [0, "age"]}, ValueError, "features has 'age', which is no column"),
    ({"features": [0, 1, 2]}, ValueError, r"features=\[0, 1, 2\] must name two columns"),
    ({"features": "x0"}, ValueError, "features='x0' must name two columns"),
    ({"features": [1, 1]}, ValueError, "name the same column twice"),
    ({"held": {"age": 3}}, ValueError, "held has 'age', which is no column"),
    ({"held": {0: 3}, "features": [0, 1]}, ValueError, "held has 'x0', which is drawn"),
    ({"held": {0: "old"}, "features": [2, 3]}, ValueError, r"held\['x0'\]='old' must be a number"),
    ({"held": 150}, ValueError, "held=150 must be a row of X, 0 to 149"),
    ({"response": "transform"}, ValueError, "response='transform' must be one of 'auto'"),
    ({"response": "decision_function"}, TypeError, "DecisionTreeClassifier has no decision_function"),
    ({"resolution": 1}, ValueError, "resolution=1 must be a whole number >= 2"),
    ({"class_names": ["a"]}, ValueError, "class_names has 1 entries for 3 classes"),
    ({"ax": [1, 2], "features": [0, 1]}, TypeError, r"ax=\[1, 2\] must be matplotlib Axes"),
    ({"y": y[:9]}, ValueError, r"y has shape \(9,\) for the 150 rows of X"),
    ({"X": X[:, :3]}, ValueError, "X has 3 columns, and DecisionTreeClassifier was fitted on 4"),
    ({"X": X[:0]}, ValueError, "with a row at least"),
    ({"X": X[0]}, ValueError, "it must be two-dimensional"),
    ({"X": X * np.nan}, ValueError, "has no value in X that is not missing"),
    ({"estimator": DecisionTreeClassifier()}, NotFittedError, "is not fitted yet"),
    ({"estimator": LogisticRegression(max_iter=1000).fit(X, y)}, ValueError, "features=None, and X has 4 columns"),
    ({"estimator": DecisionTreeRegressor().fit(X, X[:, :2])}, ValueError, "predicts several outputs"),
    ({"estimator": WITH_DATES, "X": DATES, "features": ["since", "age"]}, ValueError, "column 'since' holds times"),
    ({"estimator": WITH_DATES, "X": DATES, "features": ["open", "age"], "held": {"shop": "e"}}, ValueError,
     r"held\['shop'\]='e' is none of the column's values"),
])  # fmt: skip
def test_bad_input_is_refused(options, error, match):
    with pytest.raises(error, match=match):
        plot_decision_boundary(**({"estimator": FITTED, "X": X} | options))


def test_too_many_levels_and_sparse_rows_are_refused():
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(99)], "age": np.arange(99.0)})
    with pytest.raises(ValueError, match="column 'name' has 99 categories: 1 to 50 can be drawn"):
        plot_decision_boundary(DecisionTreeClassifier().fit(frame, np.arange(99) > 50), frame)
    from scipy.sparse import csr_matrix

    with pytest.raises(TypeError, match="X is sparse"):
        plot_decision_boundary(FITTED, csr_matrix(X))
