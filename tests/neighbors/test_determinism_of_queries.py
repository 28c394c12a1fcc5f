"""Promise 3 for all pairs: answers have the same bits for any number of threads and instruction set."""

import hashlib
import os
import subprocess
import sys

import numpy as np
from scipy.sparse import csr_matrix

from fastml.neighbors import NearestNeighbors

METRICS = ("euclidean", "manhattan", "chebyshev", "cosine", "hamming", "minkowski", "canberra")


def fingerprint(n_jobs):
    """A hash over the answers of all metrics: dense, sparse, in many columns, few and many queries."""
    said = hashlib.sha256()
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(3000, 10)) @ rng.normal(size=(10, 120)) + 0.1 * rng.normal(size=(3000, 120))
    for dtype in (np.float32, np.float64):
        X = (np.round(rng.normal(size=(3000, 12)), 2) * (rng.random((3000, 12)) < 0.7)).astype(dtype)
        cases = [(X, metric) for metric in METRICS] + [(csr_matrix(X), metric) for metric in METRICS[:4:3]]
        for points, metric in [*cases, (csr_matrix(X), "manhattan"), (wide.astype(dtype), "euclidean")]:
            near = NearestNeighbors(metric=metric, p=3, algorithm="brute", n_jobs=n_jobs).fit(points)
            distance, rows = near.kneighbors(points[:700], 9)
            for part in (distance, rows, near.radius_neighbors_count(points[:700], distance[:, 4]),
                         *near.kneighbors(points[:2], 5)):  # fmt: skip
                said.update(np.ascontiguousarray(part).tobytes())
    return said.hexdigest()


def test_instruction_sets_and_threads():
    found = {fingerprint(1), fingerprint(2), fingerprint(5)}
    code = "import tests.neighbors.test_determinism_of_queries as t; print(t.fingerprint(None))"
    for isa, threads in (("base", "2"), ("avx2", "5"), ("avx512", "1")):
        env = {**os.environ, "FASTML_ISA": isa, "OMP_NUM_THREADS": threads}
        env["PYTHONPATH"] = os.pathsep.join(p or "." for p in sys.path)
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.add(run.stdout.strip())
    assert len(found) == 1
