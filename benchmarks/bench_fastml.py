"""`pytest benchmarks/bench_fastml.py`: fit, batch prediction and one row of every case, under pytest-benchmark."""

import numpy as np
import pytest

from benchmarks.boosting import batch_predict, one_row
from benchmarks.datasets import DataMissing, Split, split
from benchmarks.registry import Case, cases

N_THREADS = 2
every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)


def data_of(case: Case) -> Split:
    try:
        return split(case.data, 0)
    except DataMissing as missing:
        pytest.skip(str(missing))


@every_case
def test_fit(case, benchmark):
    data = data_of(case)
    estimator = case.estimators["fastml"](N_THREADS)
    benchmark.pedantic(estimator.fit, (data.X_train, data.y_train), rounds=3, iterations=case.fits, warmup_rounds=1)
    benchmark.extra_info["score"] = case.score(estimator, data.X_test, data.y_test)


@every_case
def test_predict(case, benchmark):
    data = data_of(case)
    estimator = case.estimators["fastml"](N_THREADS).fit(data.X_train, data.y_train)
    benchmark(batch_predict, estimator, data.X_test)


@pytest.mark.parametrize("case", [case for case in cases() if case.latency], ids=lambda case: case.name)
def test_one_row(case, benchmark):
    data = data_of(case)
    estimator = case.estimators["fastml"](N_THREADS).fit(data.X_train, data.y_train)
    benchmark(one_row("fastml", estimator), np.ascontiguousarray(data.X_test[0]))
