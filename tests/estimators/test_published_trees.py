"""Multiway trees against what books and other programs print."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2 as chi2_dist
from scipy.stats import chi2_contingency, entropy
from sklearn.datasets import load_iris

from fastml.tree import C45Classifier, CHAIDClassifier, ID3Classifier, export_text
from fastml.tree.after_pruning import error_bound
from tests.estimators.textbook_data import CREDIT, NUMERIC, PLAY, RISK, TITANIC, WEATHER


def test_id3_grows_quinlans_tree():
    model = ID3Classifier().fit(WEATHER, PLAY)
    assert model.export_rules().splitlines() == [
        "IF outlook = overcast THEN yes (4 rows, share 1)",
        "IF outlook = rainy AND windy = false THEN yes (3 rows, share 1)",
        "IF outlook = rainy AND windy = true THEN no (2 rows, share 1)",
        "IF outlook = sunny AND humidity = high THEN no (3 rows, share 1)",
        "IF outlook = sunny AND humidity = normal THEN yes (2 rows, share 1)",
    ]
    assert (model.get_depth(), model.get_n_leaves()) == (2, 5)
    assert list(model.predict(WEATHER)) == PLAY


def gain_and_information(column, y):
    """Gain of a column and information of its split in bits, from the counts."""
    counts = pd.crosstab(column, np.asarray(y))
    share = counts.sum(axis=1) / len(y)
    within = share @ entropy(counts, base=2, axis=1)
    return entropy(counts.sum(), base=2) - within, entropy(share, base=2)


@pytest.mark.parametrize(
    ("column", "gain", "ratio"),
    # Witten and Frank, Data Mining, chapter 4: gains of 0.247, 0.029, 0.152 and 0.048 bits.
    [("outlook", 0.247, 0.156), ("temperature", 0.029, 0.0188), ("humidity", 0.152, 0.152), ("windy", 0.048, 0.049)],
)
def test_gains_and_gain_ratios_of_the_weather(column, gain, ratio):
    X = WEATHER[[column]]
    bits, information = gain_and_information(X[column], PLAY)
    np.testing.assert_allclose([bits, bits / information], [gain, ratio], atol=6e-4)
    assert ID3Classifier(max_depth=1).fit(X, PLAY).tree_.score[0] == pytest.approx(bits)
    assert C45Classifier(max_depth=1, confidence=None).fit(X, PLAY).tree_.score[0] == pytest.approx(bits / information)


@pytest.mark.parametrize(
    ("column", "gain"), [("income", 0.966), ("history", 0.266), ("collateral", 0.206), ("debt", 0.063)]
)
def test_gains_of_the_credit_example(column, gain):
    bits = gain_and_information(CREDIT[column], RISK)[0]
    assert bits == pytest.approx(gain, abs=6e-4)
    assert ID3Classifier(max_depth=1).fit(CREDIT[[column]], RISK).tree_.score[0] == pytest.approx(bits)


def test_id3_grows_the_tree_of_the_credit_example():
    model = ID3Classifier().fit(CREDIT, RISK)
    assert export_text(model).splitlines() == [
        "income = 0-15k: high (4 rows, share 1)",
        "income = 15-35k",
        "|   history = bad: high (1 rows, share 1)",
        "|   history = good: moderate (1 rows, share 1)",
        "|   history = unknown",
        "|   |   debt = high: high (1 rows, share 1)",
        "|   |   debt = low: moderate (1 rows, share 1)",
        "income = >35k",
        "|   history = bad: moderate (1 rows, share 1)",
        "|   history = good: low (3 rows, share 1)",
        "|   history = unknown: low (2 rows, share 1)",
    ]
    assert model.score(CREDIT, RISK) == 1


@pytest.mark.parametrize("confidence", [0.25, None])
def test_c45_grows_wekas_tree_of_the_numeric_weather(confidence):
    """J48 prints: sunny, humidity <= 75: yes (2.0), > 75: no (3.0); overcast: yes (4.0); rainy, windy = TRUE: no (2.0),
    = FALSE: yes (3.0). Quinlan's release 8 has the same rules."""
    model = C45Classifier(confidence=confidence).fit(NUMERIC, PLAY)
    assert export_text(model).splitlines() == [
        "outlook = overcast: yes (4 rows, share 1)",
        "outlook = rainy",
        "|   windy = false: yes (3 rows, share 1)",
        "|   windy = true: no (2 rows, share 1)",
        "outlook = sunny",
        "|   humidity <= 75: yes (2 rows, share 1)",
        "|   humidity > 75: no (3 rows, share 1)",
    ]


def test_c45_grows_wekas_tree_of_the_irises():
    """J48 prints: petalwidth <= 0.6: setosa (50.0); > 0.6, <= 1.7: petallength <= 4.9: versicolor (48.0/1.0), > 4.9:
    petalwidth <= 1.5: virginica (3.0), > 1.5: versicolor (3.0/1.0); > 1.7: virginica (46.0/1.0)."""
    iris = load_iris(as_frame=True)
    model = C45Classifier().fit(iris.data, iris.target_names[iris.target])
    assert export_text(model, decimals=3).splitlines() == [
        "petal width (cm) <= 0.6: setosa (50 rows, share 1)",
        "petal width (cm) > 0.6",
        "|   petal width (cm) <= 1.7",
        "|   |   petal length (cm) <= 4.9: versicolor (48 rows, share 0.979)",
        "|   |   petal length (cm) > 4.9",
        "|   |   |   petal width (cm) <= 1.5: virginica (3 rows, share 1)",
        "|   |   |   petal width (cm) > 1.5: versicolor (3 rows, share 0.667)",
        "|   petal width (cm) > 1.7: virginica (46 rows, share 0.978)",
    ]


def test_a_missing_outlook_as_in_quinlans_book():
    """Quinlan 1993, chapter 3: the outlook of the twelfth row is missing."""
    X = NUMERIC.copy()
    X.loc[11, "outlook"] = None
    model = C45Classifier(confidence=None).fit(X, PLAY)
    tree = model.tree_
    known = entropy([8, 5], base=2) - 5 / 13 * entropy([2, 3], base=2) - 5 / 13 * entropy([3, 2], base=2)
    information = entropy([5, 3, 5, 1], base=2)  # missing is one more branch
    np.testing.assert_allclose([13 / 14 * known, information], [0.199, 1.809], atol=6e-4)
    assert tree.score[0] == pytest.approx(13 / 14 * known / information)
    weight = dict(zip(["overcast", "rainy", "sunny"], tree.weight[list(tree.children(0))], strict=True))
    assert weight == pytest.approx({"sunny": 5 + 5 / 13, "overcast": 3 + 3 / 13, "rainy": 5 + 5 / 13})
    # A sunny day of unknown humidity: 2 days of play, and 3 + 5/13 of which 5/13 play, in the proportion 2.0 : 3.4.
    day = pd.DataFrame({"outlook": ["sunny"], "temperature": [70], "humidity": [np.nan], "windy": ["false"]})
    play = (2.0 + 5 / 13) / (5 + 5 / 13)
    np.testing.assert_allclose(model.predict_proba(day), [[1 - play, play]])


def test_quinlans_bound_on_errors():
    """Quinlan 1993, chapter 4: U25% of 0 errors in 6, 9 and 1 rows is 0.206, 0.143 and 0.750, of 1 in 16 rows 0.157."""
    n, errors = np.array([6.0, 9.0, 1.0, 16.0]), np.array([0.0, 0.0, 0.0, 1.0])
    bound = error_bound(n, errors, 0.25)
    np.testing.assert_allclose(bound / n, [0.206, 0.143, 0.750, 0.157], atol=5e-4)
    # Three leaves are worth 3.273 errors, and the leaf in their place 2.512 (the book multiplies rounded shares).
    np.testing.assert_allclose([bound[:3].sum(), bound[3]], [3.273, 2.512], atol=6e-3)


def test_pruning_makes_a_leaf_where_that_errs_no_more():
    """Quinlan 1993, chapter 4: leaves of 6, 9 and 1 rows without errors against 16 rows with one."""
    x = np.repeat(["y", "n", "u"], [6, 9, 1])
    y = np.repeat(["democrat", "democrat", "republican"], [6, 9, 1])
    kept = C45Classifier(confidence=None, min_samples_leaf=1).fit(x[:, None], y)
    assert kept.get_n_leaves() == 3
    assert C45Classifier(min_samples_leaf=1).fit(x[:, None], y).get_n_leaves() == 1


def test_chaid_of_the_python_packages_readme():
    """The package CHAID prints  p=0.001565402258, score=10.0, groups=[[1], [2]]  for its first example."""
    X = pd.DataFrame({"a": [1] * 5 + [2] * 5, "b": 2, "c": 3})
    model = CHAIDClassifier(min_samples_split=2, min_samples_leaf=5, categorical_features="all").fit(X, X["a"])
    assert model.tree_.score[0] == pytest.approx(np.log(0.001565402258))
    assert model.export_rules() == "IF a = 1 THEN 1 (5 rows, share 1)\nIF a = 2 THEN 2 (5 rows, share 1)"


def log_p(rows):
    """log p of a chi-square test of survival by class, from the counts."""
    counts = rows.pivot_table(index="class", columns="survived", values="people", aggfunc="sum")
    chi2, _, df, _ = chi2_contingency(counts, correction=False)
    return chi2_dist.logsf(chi2, df)


def test_chaid_of_the_titanic():
    """With counts as weights; each test by SciPy, each multiplier by Kass's formulas."""
    X, people = TITANIC[["class", "sex", "age"]], TITANIC["people"]
    model = CHAIDClassifier().fit(X, TITANIC["survived"], sample_weight=people)
    assert export_text(model).splitlines() == [
        "sex = female",
        "|   class = 1st: yes (145 rows, share 0.97)",
        "|   class in {2nd, crew}: yes (129 rows, share 0.88)",
        "|   class = 3rd: no (196 rows, share 0.54)",
        "sex = male",
        "|   age = adult",
        "|   |   class = 1st: no (175 rows, share 0.67)",
        "|   |   class = 2nd: no (168 rows, share 0.92)",
        "|   |   class = 3rd: no (462 rows, share 0.84)",
        "|   |   class = crew: no (862 rows, share 0.78)",
        "|   age = child",
        "|   |   class in {1st, 2nd}: yes (16 rows, share 1)",
        "|   |   class = 3rd: no (48 rows, share 0.73)",
    ]
    tree = model.tree_
    women = TITANIC[TITANIC["sex"] == "female"]
    for group, alike in ((["2nd", "crew"], True), (["1st", "2nd"], False), (["3rd", "crew"], False)):
        assert (log_p(women[women["class"].isin(group)]) > np.log(0.05)) == alike
    merged = women.assign(**{"class": women["class"].replace("crew", "2nd")})
    assert tree.score[1] == pytest.approx(np.log(6) + log_p(merged))  # S(4, 3) = 6
    men = TITANIC[(TITANIC["sex"] == "male") & (TITANIC["age"] == "adult")]
    assert tree.score[tree.first_child[2]] == pytest.approx(log_p(men))  # S(4, 4) = 1
    assert tree.score[0] == pytest.approx(log_p(TITANIC.assign(**{"class": TITANIC["sex"]})))
