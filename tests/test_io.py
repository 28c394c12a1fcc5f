"""save and load: everything a model may hold comes back; what is no model is refused by name, and never half-read."""

import json
import math
import os
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import fastml
from fastml import io
from fastml.base import BaseEstimator
from fastml.ensemble import XGBClassifier, XGBRegressor


class Holder(BaseEstimator):
    """An estimator of this package, as far as io can see, that holds what a test gives it."""

    def __init__(self, a=None, b=1.5):
        self.a, self.b = a, b


@dataclass
class Part:
    """A dataclass of this package."""

    size: int
    values: np.ndarray
    _cache: object = None

    def check(self):
        if len(self.values) != self.size:
            raise ValueError("size and values disagree")


for _cls in (Holder, Part):  # classes outside of fastml are refused, so these pretend
    _cls.__module__ = "fastml.stand_in"
sys.modules["fastml.stand_in"] = sys.modules[__name__]


def round_trip(path, value):
    io.save(Holder(value), path)
    return io.load(path).a


def same(a, b):
    assert type(a) is type(b), (a, b)
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert all(map(same, a.flat, b.flat)) if a.dtype == object else a.tobytes() == b.tobytes()
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        return all(map(same, a, b))
    elif isinstance(a, dict):
        return same(list(a), list(b)) and all(same(a[k], b[k]) for k in a)
    elif isinstance(a, Part):
        return same(a.size, b.size) and same(a.values, b.values) and b._cache is None
    elif isinstance(a, float):
        assert a == b or (math.isnan(a) and math.isnan(b))
        assert math.copysign(1, a) == math.copysign(1, b)
    else:
        assert a == b
    return True


NODE = np.dtype([("value", "<f8"), ("left", "<i4")])


@pytest.mark.parametrize("value", [
    None, True, 3, 2**70, -1.5, 0.1, math.nan, math.inf, -0.0, "", "naïve \ud800 \x00", [1, [2.5, None]], (1, ("a",)),
    {1, "b", (2, 3)}, frozenset([4]), [set()], {"a": 1}, {1: "x", None: 2, "$": 3, (1, 2): 4}, {"$": "array"},
    np.int64(3), np.float32(0.1), np.float64("nan"), np.bool_(True), np.str_("é"), np.datetime64("2020-01-01"),
    np.arange(6).reshape(2, 3)[:, ::2], np.array(2.5), np.zeros((0, 8), np.uint32), np.array([True, False]),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array([1, 2], ">i4"), np.array(["ab", "ç"]), np.array([b"ab"]),
    np.array(["x", None, 3, 1.5, True, np.int8(2)], object), np.array([(1.5, 2)], NODE), np.array([1 + 2j]),
    np.array(["2020-01-01", "NaT"], "datetime64[D]"), np.float16([1, 2]), np.longdouble([1, 2]),
    [Part(2, np.arange(2))],
], ids=repr)  # fmt: skip
def test_values_come_back(tmp_path, value):
    same(value, round_trip(tmp_path / "m", value))


@pytest.mark.parametrize("value", [lambda: 0, np.random.default_rng(0), object(), [print], {"f": max}, int, {1, print}])
def test_what_a_file_cannot_hold_is_named(tmp_path, value):
    path = tmp_path / "m"
    path.write_text("old")
    with pytest.raises(TypeError, match=r"the parameter a is or holds .*set_params\(a=None\)"):
        io.save(Holder(value), path)
    model = Holder()
    model.fitted_ = value
    with pytest.raises(TypeError, match="the fitted attribute fitted_"):
        io.save(model, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["m"]


def test_only_estimators_of_fastml():
    from sklearn.linear_model import Ridge

    for other in (Ridge(), 3, "a"):
        with pytest.raises(TypeError, match="cannot be saved"):
            io.save(other, "nowhere")


def test_attributes_parameters_and_callbacks(tmp_path):
    model = Holder(a="x")
    model.fitted_, model._skl_callbacks = np.arange(3), [print]
    io.save(model, tmp_path / "m")
    again = io.load(tmp_path / "m")
    assert type(again) is Holder
    assert again.get_params() == {"a": "x", "b": 1.5}
    assert vars(again).keys() == {"a", "b", "fitted_"}


def fitted(labels, **params):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    y = np.array(labels)[np.digitize(np.nan_to_num(X[:, 0]), np.linspace(-1, 1, len(labels) - 1))]
    return XGBClassifier(n_estimators=5, **params).fit(X, y), X


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 7, 30], [1.0, 2.0], ["ä", "b", "c"]], ids=str)
def test_models_predict_the_same_bits(tmp_path, labels):
    model, X = fitted(labels, random_state=np.int64(3), learning_rate=np.float32(0.2))
    model.save(tmp_path / "m.fastml")
    again = XGBClassifier.load(tmp_path / "m.fastml")
    same(again.predict_proba(X), model.predict_proba(X))
    same(again.predict(X), model.predict(X))
    same(again.feature_importances_, model.feature_importances_)
    same(again.get_params(), model.get_params())
    same(again.predictor()(X[0]), model.predictor()(X[0]))
    again.fit(X, model.predict(X))
    with pytest.raises(ValueError, match="not a XGBRegressor"):
        XGBRegressor.load(tmp_path / "m.fastml")


def test_frames_with_categories(tmp_path):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(1)
    frame = pandas.DataFrame({
        "carrier": rng.choice(["AA", "UA", None, "ÄÖ"], 300), "number": rng.normal(size=300),
        "zone": pandas.Categorical(rng.integers(3, 9, 300)), "flag": rng.random(300) < 0.5,
    })  # fmt: skip
    y = (frame["carrier"] == "UA") * 2.0 + frame["zone"].astype(float) + frame["number"]
    model = XGBRegressor(n_estimators=8).fit(frame, y, eval_set=[(frame, y)])
    model.save(tmp_path / "m")
    again = io.load(str(tmp_path / "m"))
    same(again.predict(frame), model.predict(frame))
    same(again.evals_result(), model.evals_result())
    assert list(again.feature_names_in_) == list(frame.columns)
    frame.loc[0, "carrier"] = "new"
    same(again.predict(frame), model.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        again.predict(frame[["zone", "number", "flag", "carrier"]])


def test_a_model_from_a_later_release_has_parameters_that_this_one_lacks_and_the_reverse(tmp_path):
    model, _X = fitted(["a", "b"])
    model.save(tmp_path / "m")
    rewrite(tmp_path / "m", lambda header: header["model"].pop("max_time"))
    assert XGBClassifier.load(tmp_path / "m").get_params()["max_time"] is None


def rewrite(path, change, arrays=None):
    """Change the JSON part, or the arrays, of a file."""
    import safetensors

    with safetensors.safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["fastml"])
    header = change(header) or header
    tensors = load_file(path)
    if arrays is not None:
        tensors = arrays(tensors)
    save_file(tensors, path, metadata={"fastml": header if isinstance(header, str) else json.dumps(header)})


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        io.load(path)
    assert str(path) in str(caught.value)


def test_truncated_anywhere(tmp_path):
    model, _ = fitted(["a", "b"])
    model.save(tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    path = tmp_path / "cut"
    for size in {0, 1, 7, 8, 9, start // 2, start - 1, start, start + 1, (start + len(content)) // 2, len(content) - 1,
                 *np.linspace(0, len(content) - 1, 40).astype(int).tolist()}:  # fmt: skip
        path.write_bytes(content[:size])
        refused(path, "truncated")
    path.write_bytes(content + b"\0")
    refused(path, "truncated, damaged")


def test_not_a_model(tmp_path):
    path = tmp_path / "other"
    rng = np.random.default_rng(0)
    for size in (0, 1, 8, 100, 10_000):
        path.write_bytes(rng.bytes(size))
        refused(path, "not a model file")
    for text in (b"<html>", b"PK\x03\x04", b"{}"):
        path.write_bytes(text * 100)
        refused(path, "not a model file")
    for metadata in (None, {}, {"format": "pt"}, {"fastml": '{"format": "other"}'}, {"fastml": "[]"}):
        save_file({"a": np.zeros(3)}, path, metadata=metadata)
        refused(path, "not a model of fastml")
    with pytest.raises(FileNotFoundError):
        io.load(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        io.load(tmp_path)


def test_newer_formats_ask_for_an_upgrade(tmp_path):
    io.save(Holder(1), tmp_path / "m")
    rewrite(tmp_path / "m", lambda h: {**h, "format_version": 2, "fastml_version": "9.1"})
    refused(tmp_path / "m", r"newer fastml \(9\.1.*pip install -U fastml")


@pytest.mark.parametrize("change", [
    lambda h: "not json", lambda h: "[" * 100_000, lambda h: {"format": "fastml"},
    lambda h: {**h, "format_version": "1"}, lambda h: {**h, "format_version": 0},
    lambda h: {**h, "class": "fastml.stand_in:Nothing"},
    lambda h: {**h, "class": "os:system"}, lambda h: {**h, "class": "fastml.stand_in:np"},
    lambda h: {**h, "class": "fastml.io:os.system"}, lambda h: {**h, "class": "fastml.io:save"},
    lambda h: {**h, "class": "fastml.io:Path"}, lambda h: {**h, "class": "fastml.nowhere:A"},
    lambda h: {**h, "class": "fastml.stand_in:Part"}, lambda h: {**h, "class": 3}, lambda h: {**h, "model": [1]},
    lambda h: {k: v for k, v in h.items() if k != "model"}, lambda h: {k: v for k, v in h.items() if k != "class"},
    lambda h: {**h, "model": {"a": {"$": "array", "name": "9"}}}, lambda h: {**h, "model": {"a": {"$": "array"}}},
    lambda h: {**h, "model": {"a": {"$": "eval", "value": "1"}}}, lambda h: {**h, "model": {"a": {"$": "tuple"}}},
    lambda h: {**h, "model": {"a": {"$": "bytes", "name": "0", "dtype": "|O", "shape": [1]}}},
    lambda h: {**h, "model": {"a": {"$": "bytes", "name": "0", "dtype": "<f8", "shape": [7]}}},
    lambda h: {**h, "model": {"a": {"$": "bytes", "name": "0", "dtype": "nonsense", "shape": [7]}}},
    lambda h: {**h, "model": {"a": {"$": "object", "class": "subprocess:Popen", "state": {}}}},
    lambda h: {**h, "model": {"a": {"$": "object", "class": "fastml.stand_in:Part", "state": {"size": 1}}}},
    lambda h: {
        **h, "model": {"a": {"$": "object", "class": "fastml.stand_in:Part", "state": {"size": 9, "values": []}}}
    },
    lambda h: {**h, "model": {"a": {"$": "dict", "items": [[[], 1]]}}},
    lambda h: {**h, "model": {"a": {"$": "float", "value": []}}},
])  # fmt: skip
def test_damaged_descriptions(tmp_path, change):
    io.save(Holder(np.arange(3)), tmp_path / "m")
    rewrite(tmp_path / "m", change)
    refused(tmp_path / "m", "damaged")


def test_damaged_arrays_do_not_reach_the_engines(tmp_path):
    """Whatever array changes, the file is refused or the model predicts without a crash."""
    model, X = fitted(["a", "b", "c"])
    model.save(tmp_path / "whole")
    content, rng = (tmp_path / "whole").read_bytes(), np.random.default_rng(0)
    start = 8 + int.from_bytes(content[:8], "little")
    n_refused = 0
    for _ in range(150):
        changed = bytearray(content)
        for place in rng.integers(start, len(content), 1 + rng.integers(8)):
            changed[place] = rng.integers(256)
        (tmp_path / "m").write_bytes(changed)
        try:
            again = io.load(tmp_path / "m")
        except ValueError:
            n_refused += 1
            continue
        try:
            again.predict(X)
            again.predict(X[:2])
        except ValueError:
            n_refused += 1
    assert n_refused


def test_header_is_readable_without_fastml(tmp_path):
    model, _ = fitted(["a", "b"])
    model.save(tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    described = json.loads(header["__metadata__"]["fastml"])
    assert described["class"] == "fastml.ensemble:XGBClassifier"
    assert (described["format"], described["format_version"]) == ("fastml", io.FORMAT_VERSION)
    assert described["fastml_version"] == fastml.__version__
