"""Promise 3: a fitted model and its predictions have the same bits for any number of threads and instruction set."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from fastml.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from fastml.ensemble import GradientBoostingRegressor, XGBClassifier, XGBRegressor
from fastml.threads import effective_threads

N_ROWS, N_COLUMNS, N_CATEGORICAL = 9000, 28, 4
SAMPLED = {"subsample": 0.7, "colsample_bytree": 0.8, "colsample_bylevel": 0.8, "colsample_bynode": 0.8}
CASES = {
    "binary": (XGBClassifier, {**SAMPLED, "n_estimators": 5}),
    "multiclass": (XGBClassifier, {**SAMPLED, "n_estimators": 2, "max_depth": 4, "min_child_weight": 0.1}),
    "regression": (XGBRegressor, {"n_estimators": 5, "max_leaves": 31, "max_depth": 0, "grow_policy": "lossguide"}),
    "penalties": (XGBRegressor, {**SAMPLED, "n_estimators": 4, "reg_alpha": 0.5, "max_delta_step": 0.7, "gamma": 0.1}),
    "exact": (XGBClassifier, {**SAMPLED, "n_estimators": 3, "tree_method": "exact"}),
    "approx": (XGBClassifier, {**SAMPLED, "n_estimators": 3, "tree_method": "approx"}),
    "local": (XGBRegressor, {"n_estimators": 3, "tree_method": "approx", "sketch": "local", "sketch_eps": 0.03}),
    "first order": (GradientBoostingRegressor, {"n_estimators": 3, "tree_method": "exact", "subsample": 0.7}),
}


CLUSTERINGS = {"lanes": (30, 17), "tree": (3, 40), "bounds": (130, 20), "sparse": (60, 9)}  # columns, clusters


def clustering_fingerprint(case, n_jobs):
    """A hash over a k-means model of weighted rows, some of them equally far from two centres."""
    d, k = CLUSTERINGS[case]
    rng = np.random.default_rng(sorted(CLUSTERINGS).index(case))
    X = np.round(rng.normal(size=(N_ROWS, d)) * 3).astype(np.float32) * 0.3
    X = sp.csr_matrix(X * (rng.random(X.shape) < 0.2)) if case == "sparse" else X
    start = X[:k].toarray() if case == "sparse" else X[:k]
    model = KMeans(k, init=start, n_init=1, max_iter=12, n_jobs=n_jobs)
    model.fit(X, sample_weight=rng.exponential(size=N_ROWS))
    parts = (model.cluster_centers_, model.labels_, np.float64(model.inertia_), model.predict(X), model.transform(X))
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in parts)).hexdigest()


AROUND = {  # columns, and what stands around k-means
    "seeds in boxes": (3, lambda n: KMeans(60, max_iter=1, random_state=0, n_jobs=n)),
    "seeds by rows": (20, lambda n: KMeans(40, max_iter=1, random_state=0, n_jobs=n)),
    "oversampled": (3, lambda n: KMeans(20, init="k-means||", max_iter=1, random_state=0, n_jobs=n)),
    "batches": (6, lambda n: MiniBatchKMeans(12, batch_size=4000, max_iter=3, random_state=0, n_jobs=n)),
    "halves": (6, lambda n: BisectingKMeans(9, random_state=0, n_jobs=n)),
    "sizes": (2, lambda n: KMeans(7, max_size=1300, max_iter=3, random_state=0, n_jobs=n)),
}


def around_fingerprint(case, n_jobs):
    """A hash over what a start or another k-means makes of weighted rows."""
    d, make = AROUND[case]
    rng = np.random.default_rng(sorted(AROUND).index(case))
    X = np.round(rng.normal(size=(N_ROWS, d)) * 9).astype(np.float32) * 0.3
    model = make(n_jobs).fit(X, sample_weight=rng.exponential(size=N_ROWS))
    parts = (model.cluster_centers_, model.labels_, np.float64(model.inertia_))
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in parts)).hexdigest()


def data(case):
    """Numbers with missing values and ties, categories, weights, and a target that depends on them."""
    rng = np.random.default_rng(sorted(CASES).index(case))
    X = rng.normal(size=(N_ROWS, N_COLUMNS))
    X[:, :5] = np.round(2 * X[:, :5])
    X[:, -N_CATEGORICAL:] = rng.integers(0, [3, 20, 250, 400], (N_ROWS, N_CATEGORICAL))
    signal = X[:, 0] + X[:, 7] * X[:, 8] + (X[:, -1] % 7) / 3 + rng.normal(size=N_ROWS)
    X[rng.random(X.shape) < 0.08] = np.nan
    n_classes = {"binary": 2, "multiclass": 6, "exact": 2, "approx": 2}.get(case)
    y = signal if n_classes is None else np.digitize(signal, np.quantile(signal, np.arange(1, n_classes) / n_classes))
    return X, y, rng.exponential(size=N_ROWS)


def fingerprint(case, n_jobs):
    """A hash over the forest and over what it says of many rows and of few."""
    X, y, weight = data(case)
    cls, parameters = CASES[case]
    categorical = list(range(N_COLUMNS - N_CATEGORICAL, N_COLUMNS))
    model = cls(**parameters, categorical_features=categorical, random_state=3, n_jobs=n_jobs)
    model.fit(X, y, sample_weight=weight)
    f = model.forest_
    assert len(f.categories) > 0, "a case without categorical splits shows too little"
    said = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    parts = (f.nodes, f.tree_start, f.categories, f.gain, f.cover, model._fitted.start, model.feature_importances_)
    answers = (said(X), said(X[:7]), model.apply(X[:500]))
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in parts + answers)).hexdigest()


@pytest.mark.parametrize("case", CLUSTERINGS)
def test_threads_of_clusterings(case):
    assert len({clustering_fingerprint(case, n_jobs) for n_jobs in (1, 2, 5)}) == 1


@pytest.mark.parametrize("case", AROUND)
def test_threads_around_k_means(case):
    assert len({around_fingerprint(case, n_jobs) for n_jobs in (1, 2, 5)}) == 1


@pytest.mark.parametrize("case", CASES)
def test_threads(case):
    assert effective_threads(5, 4.0 * N_ROWS * N_COLUMNS) == 5, "too little work for five threads"
    assert len({fingerprint(case, n_jobs) for n_jobs in (1, 2, 5)}) == 1


DENSITIES = {
    "cells": (2, {"eps": 0.05}), "sphere": (2, {"eps": 60.0, "metric": "haversine", "units": "km"}),
    "blocks": (9, {"eps": 0.9}), "whole numbers": (6, {"eps": 2.0}),
    "manhattan": (5, {"eps": 0.8, "metric": "manhattan"}), "cosine": (8, {"eps": 0.06, "metric": "cosine"}),
}  # fmt: skip


def labels_fingerprint(case, n_jobs):
    """A hash over DBSCAN's labels of points of which some are clusters, some borders and some noise."""
    from fastml.cluster import DBSCAN

    d, parameters = DENSITIES[case]
    rng = np.random.default_rng(d)
    blobs = [rng.normal(rng.normal(0, 2, d), 0.25, (500, d)) for _ in range(12)]
    X = np.concatenate([*blobs, rng.normal(0, 3, (900, d))])
    X = np.rint(2 * X) if case == "whole numbers" else X
    labels = DBSCAN(**parameters, min_samples=6, n_jobs=n_jobs).fit(X).labels_
    assert labels.min() < 0 < 2 < labels.max(), "too little to tell"
    return hashlib.sha256(labels.tobytes()).hexdigest()


@pytest.mark.parametrize("case", DENSITIES)
def test_threads_of_dbscan(case):
    assert len({labels_fingerprint(case, n_jobs) for n_jobs in (1, 2, 5)}) == 1


def all_fingerprints(n_jobs):
    return [
        fingerprint_of(case, n_jobs)
        for cases, fingerprint_of in (
            (CASES, fingerprint), (CLUSTERINGS, clustering_fingerprint), (AROUND, around_fingerprint),
            (DENSITIES, labels_fingerprint),
        ) for case in cases
    ]  # fmt: skip


def test_instruction_sets_and_threads_of_the_environment():
    code = "import tests.test_determinism as t; print(t.all_fingerprints(None))"
    found = {f"{all_fingerprints(1)}\n"}
    for isa, threads in (("base", "2"), ("avx2", "5"), ("avx512", "1")):
        env = {**os.environ, "FASTML_ISA": isa, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        env["PYTHONPATH"] = os.pathsep.join(p or "." for p in sys.path)
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.add(run.stdout)
    assert len(found) == 1
