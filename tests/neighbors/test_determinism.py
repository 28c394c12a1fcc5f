"""Promise 3: what the trees answer has the same bits for any number of threads and instruction set."""

import hashlib
import os
import subprocess
import sys

import numpy as np

from fastml.neighbors import BallTree, KDTree

CASES = [
    (KDTree, 2, "euclidean", {}), (KDTree, 13, "euclidean", {}), (KDTree, 3, "manhattan", {}),
    (KDTree, 5, "chebyshev", {}), (BallTree, 3, "seuclidean", {"V": [0.3, 1.0, 2.0]}),
    (KDTree, 2, "minkowski", {"p": 3}), (BallTree, 2, "haversine", {}), (BallTree, 4, "canberra", {}),
]  # fmt: skip


def fingerprint(n_jobs):
    """A hash over all answers of all cases."""
    said = hashlib.sha256()
    for dtype in (np.float32, np.float64):
        for i, (tree, d, metric, arguments) in enumerate(CASES):
            X = np.round(np.random.default_rng(i).normal(size=(3000, d)), 2).astype(dtype) / 4
            one = tree(X, metric=metric, n_jobs=n_jobs, **arguments)
            distance, index = one.query(X, 9)
            r = distance[:, 4]
            lists, apart = one.query_radius(X[:300], r[:300], return_distance=True)
            parts = [distance, index, one.query_radius(X, r, count_only=True), *lists, *apart, *one.get_arrays()[1:]]
            parts.append(one.kernel_density(X[:200], 0.1, rtol=1e-3))
            for part in parts:
                said.update(np.ascontiguousarray(part).tobytes())
    return said.hexdigest()


def test_instruction_sets_and_threads():
    found = {fingerprint(1), fingerprint(2), fingerprint(5)}
    code = "import tests.neighbors.test_determinism as t; print(t.fingerprint(None))"
    for isa, threads in (("base", "2"), ("avx2", "5"), ("avx512", "1")):
        env = {**os.environ, "FASTML_ISA": isa, "OMP_NUM_THREADS": threads}
        env["PYTHONPATH"] = os.pathsep.join(p or "." for p in sys.path)
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.add(run.stdout.strip())
    assert len(found) == 1
