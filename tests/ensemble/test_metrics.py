"""Metrics against scikit-learn's and XGBoost's own numbers."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.metrics import get_scorer, get_scorer_names, make_scorer

from fastml.ensemble import scores
from fastml.ensemble.metrics import (
    LINKS,
    XGBOOST_METRICS,
    default_metric,
    evaluate,
    is_greater_better,
    resolve_metric,
    resolve_metrics,
)

N_CLASSES = 4


def data(task, weighted=True, n=500, seed=0):
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 4, n).astype(float) if weighted else None
    if task == "regression":
        y = rng.gamma(2.0, size=n)
        return y, np.abs(y + rng.normal(size=n)) + 0.1, weight, "identity"
    if task == "binary":
        raw = np.round(rng.normal(size=n) * 2, 1)  # with ties
        return (rng.random(n) < scores.logistic(raw)).astype(np.int64), raw, weight, "logistic"
    raw = np.round(rng.normal(size=(N_CLASSES, n)), 1)
    return np.argmax(raw + rng.gumbel(size=raw.shape), axis=0), raw, weight, "softmax"


def value(name, task, y, raw, weight, link, n_classes=None):
    n_classes = n_classes or {"binary": 2, "multiclass": N_CLASSES}.get(task, 0)
    metric = resolve_metric(name, task, n_classes)
    return evaluate([metric], y, raw, weight, link)[metric.name]


class Fixed:
    """An estimator with known answers, for scikit-learn's scorers to ask."""

    def __init__(self, task, raw, link):
        self.raw, self.p = raw, LINKS[link](raw)
        self._estimator_type = "regressor" if task == "regression" else "classifier"
        self.task = task
        self.classes_ = np.arange(2 if raw.ndim == 1 else len(raw))

    def __sklearn_tags__(self):
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=self._estimator_type, target_tags=TargetTags(required=True))

    def fit(self, X, y):
        return self

    def predict(self, X):
        if self.task == "regression":
            return self.p
        return np.argmax(self.predict_proba(X), axis=1)

    def predict_proba(self, X):
        return np.column_stack([1 - self.p, self.p]) if self.p.ndim == 1 else self.p.T


SCORERS = {
    "regression": ["r2", "neg_mean_squared_error", "neg_root_mean_squared_error", "neg_mean_absolute_error",
                   "neg_median_absolute_error", "neg_mean_poisson_deviance", "explained_variance"],
    "binary": ["accuracy", "roc_auc", "neg_log_loss", "neg_brier_score", "average_precision", "f1", "balanced_accuracy",
               "precision", "matthews_corrcoef"],
    "multiclass": ["accuracy", "neg_log_loss", "roc_auc_ovr", "roc_auc_ovo", "f1_macro", "top_k_accuracy"],
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("task", "name"), [(task, name) for task, names in SCORERS.items() for name in names])
def test_scorer_names_give_what_the_scorer_gives(task, name, weighted):
    if weighted and name == "roc_auc_ovo":
        pytest.skip("scikit-learn has no weights there")
    y, raw, weight, link = data(task, weighted)
    if weighted:
        weight = weight + 0.5  # some of scikit-learn's metrics refuse 0
    scorer = get_scorer(name)
    if task == "regression":
        expected = scorer._sign * scorer._score_func(y, raw, **({"sample_weight": weight} if weighted else {}))
    else:
        model = Fixed(task, raw, link)
        expected = scorer(model, np.zeros((len(y), 1)), y, **({"sample_weight": weight} if weighted else {}))
    assert value(name, task, y, raw, weight, link) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert resolve_metric(name, task, N_CLASSES).greater_is_better


@pytest.mark.parametrize("weighted", [False, True])
def test_xgboost_names_give_what_xgboost_gives(weighted):
    xgboost = pytest.importorskip("xgboost")
    objective = {"regression": "reg:squarederror", "binary": "binary:logistic", "multiclass": "multi:softprob"}
    for task in objective:
        y, raw, weight, link = data(task, weighted)
        names = [name for name, (tasks, _) in XGBOOST_METRICS.items() if task in tasks]
        names += ["error@0.7"] if task == "binary" else []
        params = {"objective": objective[task], "eval_metric": names, "eta": 0.0, "base_score": 0.5}
        params |= {"num_class": N_CLASSES} if task == "multiclass" else {}
        rows = xgboost.DMatrix(np.zeros((len(y), 1)), label=y, weight=weight, base_margin=np.ascontiguousarray(raw.T))
        text = xgboost.train(params, rows, 1).eval(rows)
        expected = {part.split(":")[0].removeprefix("eval-"): float(part.split(":")[1]) for part in text.split()[1:]}
        for name in names:
            # XGBoost ranks float32 probabilities, so it sees more ties, and softmax makes some of them
            tolerance = 2e-2 if (task, name) == ("multiclass", "aucpr") else 1e-5
            same = pytest.approx(expected[name], rel=tolerance, nan_ok=True)
            assert value(name, task, y, raw, weight, link) == same, (task, name)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_from_raw_equals_from_probabilities(task):
    y, raw, weight, link = data(task)
    for name, (tasks, metric) in XGBOOST_METRICS.items():
        if task in tasks:
            through_callable = evaluate([metric], y, raw, weight, lambda r: LINKS[link](r))
            same = pytest.approx(through_callable[name], rel=1e-12, nan_ok=True)
            assert evaluate([metric], y, raw, weight, link)[name] == same


def test_extreme_raw_scores_stay_finite():
    y, raw = np.array([0, 1, 1]), np.array([800.0, -800.0, 800.0])
    assert value("logloss", "binary", y, raw, None, "logistic") == pytest.approx(2 / 3 * -np.log(1e-16))
    assert value("mlogloss", "multiclass", y, np.stack([raw, -raw]), None, "softmax", 2) < 40


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint8, np.int64, np.float64])
def test_codes_of_any_type(dtype):
    y, raw, weight, link = data("binary")
    for name in ("logloss", "error", "auc", "aucpr", "accuracy", "rmse"):
        of_floats = value(name, "binary", y * 1.0, raw, weight, link)
        assert value(name, "binary", y.astype(dtype), raw, weight, link) == of_floats
        assert np.isfinite(value(name, "binary", y.astype(dtype), raw.astype(np.float32), weight, lambda r: r))


def test_auc_of_one_class_is_nan_and_of_a_missing_class_is_over_the_others():
    assert np.isnan(value("auc", "binary", np.zeros(3), np.arange(3.0), None, "logistic"))
    assert np.isnan(value("auc", "binary", np.zeros(3), np.arange(3.0), np.full(3, 0.1), "logistic"))
    assert np.isnan(value("aucpr", "binary", np.zeros(3), np.arange(3.0), None, "logistic"))
    y, raw, weight, link = data("multiclass")
    rows = y != 2
    assert 0.5 < value("auc", "multiclass", y[rows], raw[:, rows], weight[rows], link) < 1


def test_weights_are_repetitions():
    for task in ("regression", "binary", "multiclass"):
        y, raw, weight, link = data(task)
        again = np.repeat(np.arange(len(y)), weight.astype(int))
        for name, (tasks, _) in XGBOOST_METRICS.items():
            if task in tasks and (task, name) != ("binary", "mape"):  # 0 / 0
                repeated = value(name, task, y[again], raw[..., again], None, link)
                assert value(name, task, y, raw, weight, link) == pytest.approx(repeated, rel=1e-10), name


def test_user_functions():
    y, raw, weight, link = data("multiclass")
    seen = []

    def brier(y_true, y_pred, sample_weight=None):
        seen.append((y_pred.shape, sample_weight is None))
        return np.mean((y_pred[np.arange(len(y_true)), y_true] - 1) ** 2)

    assert value(brier, "multiclass", y, raw, weight, link) > 0
    assert value(brier, "multiclass", y, raw, None, link) > 0
    assert seen == [((500, N_CLASSES), False), ((500, N_CLASSES), True)]
    assert not resolve_metric(brier, "multiclass").greater_is_better
    brier.greater_is_better = True
    assert resolve_metric(brier, "multiclass").greater_is_better


def test_scikit_learn_functions_and_scorers_know_their_direction():
    y, raw, weight, link = data("binary")
    assert resolve_metric(sk.roc_auc_score, "binary").greater_is_better
    assert not resolve_metric(sk.mean_absolute_error, "binary").greater_is_better
    assert resolve_metric(sk.accuracy_score, "binary").needs == "label"
    assert value(sk.accuracy_score, "binary", y, raw, weight, link) == value("accuracy", "binary", y, raw, weight, link)
    assert value(sk.mean_absolute_error, "binary", y, raw, weight, link) == value("mae", "binary", y, raw, weight, link)
    scorer = make_scorer(sk.fbeta_score, beta=2)
    assert value(scorer, "binary", y, raw, weight, link) == sk.fbeta_score(y, raw > 0, beta=2, sample_weight=weight)
    loss = make_scorer(sk.mean_squared_error, greater_is_better=False)
    assert resolve_metric(loss, "regression").name == "neg_mean_squared_error"


def test_errors_name_what_is_known():
    with pytest.raises(ValueError, match=r"eval_metric='loglos' is not known. Did you mean 'logloss'.*error@t"):
        resolve_metric("loglos", "binary")
    with pytest.raises(ValueError, match="'mlogloss' is not for binary targets; for these: rmse"):
        resolve_metric("mlogloss", "binary")
    with pytest.raises(ValueError, match="error@ must be a number"):
        resolve_metric("error@half", "binary")
    with pytest.raises(ValueError, match="needs class probabilities"):
        resolve_metric("average_precision", "regression")
    with pytest.raises(ValueError, match="make_scorer"):
        resolve_metric(lambda estimator, X, y: 0.0, "binary")
    with pytest.raises(TypeError, match="eval_metric=3"):
        resolve_metric(3, "binary")
    with pytest.raises(ValueError, match="'auc' twice"):
        resolve_metrics(["auc", "logloss", "auc"], "binary")
    y, raw, weight, link = data("binary")
    with pytest.raises(ValueError, match="no parameter sample_weight"):
        value(lambda a, b: 0.0, "binary", y, raw, weight, link)
    with pytest.raises(ValueError, match="must return one number"):
        value(lambda a, b: b, "binary", y, raw, None, link)


def test_lists_and_defaults():
    assert [m.name for m in resolve_metrics(None, "multiclass")] == ["mlogloss"]
    assert [m.name for m in resolve_metrics("auc", "binary")] == ["auc"]
    assert [m.name for m in resolve_metrics(["auc", sk.mean_squared_error], "binary")] == ["auc", "mean_squared_error"]
    assert default_metric("regression").name == "rmse"


def test_directions():
    assert all(is_greater_better(name) for name in ("auc", "aucpr", "roc_auc", "neg_log_loss", "r2"))
    assert not any(is_greater_better(name) for name in ("logloss", "error@0.3", "mape", "my_own"))


def test_every_scorer_resolves_or_says_why():
    for task in ("regression", "binary", "multiclass"):
        for name in get_scorer_names():
            try:
                assert resolve_metric(name, task, 3).name == name
            except ValueError as error:
                said = "needs class probabilities" in str(error)
                assert said
