"""Pictures of trees: what is written is true, has room and hides nothing; bad input is refused with a reason."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from fastml.ensemble import AdaBoostClassifier, GradientBoostingRegressor, XGBClassifier
from fastml.plotting import plot_tree
from fastml.plotting.tree_conditions import number
from fastml.plotting.tree_labels import fit, percent, width
from fastml.plotting.tree_links import _grouped
from fastml.plotting.tree_outline import outline_of
from fastml.tree import (
    C45Classifier,
    CHAIDRegressor,
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeRegressor,
    ID3Classifier,
)

plt = pytest.importorskip("matplotlib.pyplot")
X, y = load_iris(return_X_y=True)
NAMES = load_iris().target_names


@pytest.fixture(autouse=True)
def _without_windows():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def shops(n=1500, seed=0):
    """Rows with categories, numbers, dates and missing values, and what depends on all of them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "shop": rng.choice(list("abcdefghij"), n),
        "age": rng.integers(18, 80, n).astype(float),
        "height": rng.normal(170, 10, n),
    })
    score = frame["shop"].isin(["a", "c", "e"]) + (frame["age"] > 50) + (frame["height"] > 175) + rng.normal(0, 0.3, n)
    frame.loc[rng.random(n) < 0.1, "shop"] = None
    frame.loc[rng.random(n) < 0.1, "age"] = np.nan
    return frame, np.digitize(score, [0.7, 1.6])


def large(n_classes=3):
    """A tree of some thousand nodes."""
    rng = np.random.default_rng(0)
    return DecisionTreeClassifier().fit(rng.random((5000, 6)), rng.integers(0, n_classes, 5000))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_a_small_tree_says_everything():
    model = DecisionTreeClassifier(max_depth=2).fit(X, NAMES[y])
    said = texts(plot_tree(model, feature_names=["sl", "sw", "pl", "pw"], show=["prediction", "rows", "impurity"]))
    assert said == [
        "all rows\nsetosa 33%\n150 rows\nimpurity 0.667", "pl <= 2.45\nsetosa 100%\n50 rows\nimpurity 0",
        "pl > 2.45\nversicolor 50%\n100 rows\nimpurity 0.5", "pw <= 1.75\nversicolor 91%\n54 rows\nimpurity 0.168",
        "pw > 1.75\nvirginica 98%\n46 rows\nimpurity 0.0425",
    ]  # fmt: skip


def test_what_is_shown_is_what_is_asked_for():
    model = DecisionTreeClassifier(max_depth=1).fit(X, NAMES[y])
    said = texts(plot_tree(model, show=["values", "share", "number"], class_names=["s", "ve", "vi"]))
    assert said[2] == "x2 > 2.45\nve 50%, vi 50%\n67% of rows\nnode 2"
    said = texts(plot_tree(DecisionTreeRegressor(max_depth=1).fit(X, X[:, 2] * 1000), show="prediction"))
    assert said[0] == "all rows\n3758"


@pytest.mark.parametrize("kind", ["tree", "icicle"])
@pytest.mark.parametrize("n_classes", [2, 3, 40])
@pytest.mark.parametrize("orientation", ["top-down", "left-right"])
def test_thousands_of_nodes_are_few_artists(kind, n_classes, orientation):
    model = large(n_classes)
    ax = plot_tree(model, kind=kind, orientation=orientation)
    assert model.get_n_leaves() > 1000
    assert len(ax.collections) == (2 if kind == "tree" else 1)
    assert not ax.lines
    assert not ax.patches
    assert 3 <= len(ax.texts) <= 600
    ax.figure.canvas.draw()


def test_links_of_very_many_nodes_are_the_same_in_fewer_lines():
    rng = np.random.default_rng(0)
    links, widths = rng.random((50, 4, 2)), rng.choice([0.3, 0.4, 5.3], 50)
    lines, steps = _grouped(links, widths)
    assert steps.tolist() == [0.3, 0.4, 5.3]
    for line, step in zip(lines, steps, strict=True):
        own = line.reshape(-1, 5, 2)
        np.testing.assert_array_equal(own[:, :4], links[widths == step])
        assert np.isnan(own[:, 4]).all()


def test_the_kind_follows_from_the_room():
    small, big = DecisionTreeClassifier(max_depth=3).fit(X, y), large()
    assert len(plot_tree(small).collections) == 2
    assert len(plot_tree(big).collections) == 1
    assert len(plot_tree(small, ax=plt.figure(figsize=(2, 1)).subplots()).collections) == 1


@pytest.mark.parametrize("options", [
    {}, {"kind": "icicle"}, {"kind": "icicle", "orientation": "top-down"}, {"kind": "tree"}, {"fontsize": 5},
    {"max_depth": 4}, {"kind": "tree", "orientation": "top-down", "max_depth": 7},
])  # fmt: skip
@pytest.mark.parametrize("which", ["large", "iris", "c45"])
def test_no_text_hides_another_or_leaves_the_picture(which, options):
    model = {"large": large, "iris": lambda: DecisionTreeClassifier().fit(X, NAMES[y]),
             "c45": lambda: C45Classifier(confidence=None).fit(*shops())}[which]()  # fmt: skip
    ax = plot_tree(model, **options)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent().padded(-0.5) for text in ax.texts]
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)
    whole = ax.figure.bbox
    assert all(whole.x0 <= b.x0 and b.x1 <= whole.x1 and whole.y0 <= b.y0 and b.y1 <= whole.y1 for b in boxes)


def test_texts_lie_in_their_bars():
    ax = plot_tree(large(), kind="icicle", orientation="top-down")
    ax.figure.canvas.draw()
    bars = [ax.transData.transform(path.vertices) for path in ax.collections[0].get_paths()]
    bars = np.array([[*b.min(axis=0), *b.max(axis=0)] for b in bars])
    for text in ax.texts:
        own = text.get_window_extent()
        inside = (bars[:, :2] <= [own.x0 + 1, own.y0 + 1]).all(1) & (bars[:, 2:] >= [own.x1 - 1, own.y1 - 1]).all(1)
        assert inside.sum() == 1, text.get_text()


def test_bars_are_as_long_as_their_rows_and_coloured_by_their_class():
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, NAMES[y])
    ax = plot_tree(model, kind="icicle", orientation="top-down", cmap="tab10")
    paths = [path.vertices for path in ax.collections[0].get_paths()]
    share = np.array([np.ptp(p[:, 0]) for p in paths])
    tree = model.tree_
    np.testing.assert_allclose(np.sort(share), np.sort(tree.weighted_n_node_samples / 150))
    pure = np.flatnonzero(np.isclose(share, 1 / 3))  # the leaf of all setosas
    np.testing.assert_allclose(ax.collections[0].get_facecolor()[pure[0]][:3], plt.get_cmap("tab10")(0)[:3])


def holds(condition, row):
    """Whether a row is where a condition says."""
    text = condition.removesuffix(" or missing")
    name, sign, what = re.fullmatch(r"(\w+) (<=|>|=|is not|in|not in|is) (.*)", text).groups()
    x = row[name]
    if x is None or x != x:
        return text != condition or what == "missing"
    if sign in ("<=", ">"):
        return (x <= float(what)) == (sign == "<=")
    if sign == "is":
        return what == "known"
    return (x in what.strip("{}").split(", ")) == (sign in ("=", "in"))


def path_conditions(outline, leaf):
    node = np.flatnonzero(outline.number == leaf)[0]
    while node > 0:
        yield outline.condition(int(outline.number[node]))
        node = outline.parent[node]


@pytest.mark.parametrize("model", [
    DecisionTreeClassifier(max_depth=7), ExtraTreeRegressor(max_depth=7, random_state=0), XGBClassifier(n_estimators=2),
    GradientBoostingRegressor(n_estimators=2),
])  # fmt: skip
def test_conditions_lead_where_rows_go(model, monkeypatch):
    monkeypatch.setattr("fastml.plotting.tree_conditions.MOST_LEVELS", 100)
    frame, target = shops()
    if not isinstance(model, XGBClassifier):
        target = (target > 0).astype(int) if isinstance(model, DecisionTreeClassifier) else target.astype(float)
    model.fit(frame, target)
    leaves = np.asarray(model.apply(frame)).reshape(len(frame), -1)[:, 0]
    trees = isinstance(model, DecisionTreeClassifier | ExtraTreeRegressor)
    outline = outline_of(model, None if trees else 0, 0, None, None, True, 17)
    for i in range(0, len(frame), 7):
        row = frame.iloc[i].to_dict()
        for condition in path_conditions(outline, leaves[i]):
            assert holds(condition, row), (condition, row)


def test_missing_values_are_marked_where_the_fit_met_some():
    frame, target = shops()
    for model in (DecisionTreeClassifier(max_depth=6), XGBClassifier(n_estimators=5, max_depth=6)):
        model.fit(frame[["age", "height"]], target > 0)
        index = None if isinstance(model, DecisionTreeClassifier) else 0

        def said(missing, model=model, index=index):
            outline = outline_of(model, index, 0, None, None, missing, 4)
            return [outline.condition(int(k)) for k in outline.number[1:]]

        marked = {text.split()[0] for text in said("auto") if text.endswith("or missing")}
        assert marked == {"age"}
        assert sum("missing" in text for text in said(True)) >= len(said(True)) / 2
        assert not any(text.endswith("or missing") for text in said(False))


def test_dates_are_written_as_dates():
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=10)})
    said = texts(plot_tree(DecisionTreeRegressor(max_depth=1).fit(days, np.arange(10) > 4)))
    assert said[1].startswith("day <= 2024-01-05\n12:00:00\n")


def test_a_leaf_of_a_booster_says_what_it_adds():
    model = XGBClassifier(n_estimators=2, max_depth=2).fit(X, NAMES[y])
    ax = plot_tree(model, tree_index=4, class_names=list("abc"))
    assert ax.get_title(loc="left").startswith("XGBClassifier, tree 4 of 6: ")
    tree = model._fitted.forest.tree(4)
    leaves = {f"{v:+.4g}" for v in tree.value[tree.is_leaf]}
    assert leaves <= {text.splitlines()[1] for text in texts(ax)}
    assert any(other.get_ylabel() == "adds to the raw score of b" for other in ax.figure.axes)


def test_members_of_ensembles_and_outputs_can_be_chosen():
    model = AdaBoostClassifier(n_estimators=3).fit(X, y)
    assert plot_tree(model, tree_index=-1).get_title(loc="left").startswith("AdaBoostClassifier, tree 2 of 3: ")
    two = DecisionTreeClassifier(max_depth=1).fit(X, np.stack([NAMES[y], np.where(y > 0, "yes", "no")], axis=1))
    assert texts(plot_tree(two, output=1))[2].splitlines()[1] == "yes 100%"


@pytest.mark.parametrize("model", [ID3Classifier(), C45Classifier(), CHAIDRegressor(alpha_split=0.5)])
def test_multiway_trees_have_a_branch_each(model):
    frame, target = shops()
    columns = ["shop"] if isinstance(model, ID3Classifier) else ["shop", "age"]
    ax = plot_tree(model.fit(frame[columns], target), kind="icicle")
    n_bars = len(ax.collections[0].get_paths())
    assert n_bars == len(model.tree_.parent)
    assert any(text.startswith("shop ") for text in texts(ax))


def test_a_part_says_what_it_hides():
    model = large()
    ax = plot_tree(model, max_depth=1)
    n = len(model._fitted.nodes)
    assert f": 3 of {n:,} nodes, " in ax.get_title(loc="left")
    hidden = [int(re.search(r"([\d,]+) nodes below", text).group(1).replace(",", "")) for text in texts(ax)[1:]]
    assert sum(hidden) == n - 3
    below = plot_tree(model, root=1, max_depth=1, show=["number"])
    assert texts(below)[0].endswith("node 1")
    assert texts(below)[1].splitlines()[1] == f"node {model.tree_.children_left[1]}"


def test_odd_trees_are_drawn():
    plot_tree(DecisionTreeClassifier().fit(X, np.zeros(150)))  # one class, one node
    plot_tree(DecisionTreeRegressor().fit(X, np.ones(150)), kind="icicle")
    plot_tree(DecisionTreeClassifier().fit(X, y, sample_weight=(y > 0) * 1e-9))
    odd = pd.DataFrame(X, columns=["a$b", "c$", "_{", "\\frac"])
    ax = plot_tree(DecisionTreeClassifier().fit(odd, np.array(["$1", "2$", "$"])[y]))
    ax.figure.canvas.draw()
    figure = plt.figure(layout="constrained").subfigures(1, 2)[0]
    plot_tree(DecisionTreeClassifier().fit(X, y), ax=figure.subplots())


def test_numbers_are_short_and_do_not_lie():
    assert [number(x, 4) for x in (0.0, 2.45, 1234.5, 12345.25, -0.00012345678, 1e-9, 3e15, np.inf)] == [
        "0", "2.45", "1234.5", "12345.2", "-0.0001235", "1e-09", "3e+15", "inf",
    ]  # fmt: skip
    assert [percent(p) for p in (0, 1e-9, 0.5, 0.9999, 1)] == ["0%", "<1%", "50%", ">99%", "100%"]


def test_text_is_cut_where_it_does_not_lie():
    size = 10.0
    line = "distance > 1432.5 or missing"
    for across in np.linspace(0, 1.2 * width(line, size), 200):
        (shown,) = fit([line], (across, 13.0), size) or [""]
        assert width(shown, size) <= across
        assert shown in ("", line) or shown == "distance… or missing"
    assert fit(["a b", "second", "third"], (100.0, 25.0), size) == ["a b", "second"]
    assert fit(["first line", "second"], (100.0, 5.0), size) == []


@pytest.mark.parametrize("options, error, match", [
    ({"kind": "tree map"}, ValueError, r"kind='tree map' must be one of 'auto', 'tree', 'icicle'"),
    ({"orientation": "up"}, ValueError, "orientation='up' must be one of"),
    ({"max_depth": -1}, ValueError, "max_depth=-1 must be a whole number >= 0"),
    ({"max_depth": 1.5}, ValueError, "max_depth=1.5 must be"),
    ({"root": 99}, ValueError, "root=99 must be the number of a node, 0 to"),
    ({"tree_index": 0}, ValueError, "tree_index=0 is for ensembles: a DecisionTreeClassifier is one tree"),
    ({"output": 1}, ValueError, "output=1 must be one of the model's outputs, 0 to 0"),
    ({"show": ["entropy"]}, ValueError, "show='entropy' is unknown: choose from prediction, rows"),
    ({"feature_names": ["a"]}, ValueError, "feature_names has 1 entries for 4"),
    ({"class_names": ["a"]}, ValueError, "class_names has 1 entries for 3"),
    ({"missing": "yes"}, ValueError, "missing='yes' must be True, False or 'auto'"),
    ({"fontsize": 0}, ValueError, "fontsize=0 must be > 0"),
    ({"precision": 0}, ValueError, "precision=0 must be a whole number >= 1"),
    ({"ax": "here"}, TypeError, "ax='here' must be matplotlib Axes"),
])  # fmt: skip
def test_bad_options_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        plot_tree(DecisionTreeClassifier(max_depth=2).fit(X, y), **options)


def test_what_is_no_fitted_tree_is_refused():
    with pytest.raises(NotFittedError):
        plot_tree(DecisionTreeClassifier())
    with pytest.raises(NotFittedError):
        plot_tree(AdaBoostClassifier())
    with pytest.raises(TypeError, match="must be a fitted model"):
        plot_tree(DecisionTreeClassifier)
    with pytest.raises(TypeError, match="LogisticRegression is not a tree of this library"):
        plot_tree(LogisticRegression(max_iter=1000).fit(X, y))
    with pytest.raises(ValueError, match="tree_index=9 must be below 6"):
        plot_tree(XGBClassifier(n_estimators=2).fit(X, y), tree_index=9)
    with pytest.raises(ValueError, match="class_names are for classifiers"):
        plot_tree(DecisionTreeRegressor().fit(*make_regression(20, 3)), class_names=["a"])
