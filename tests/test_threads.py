"""How many threads: the caller's word, the size of the work, and who else is running."""

import os
import subprocess
import sys

import pytest
from joblib import Parallel, delayed

from fastml import threads
from fastml.threads import SERIAL_BELOW, effective_threads

MUCH = 1e12


@pytest.fixture
def eight(monkeypatch):
    """A machine of eight processors."""
    monkeypatch.setattr(threads, "max_threads", lambda: 8)
    monkeypatch.setattr(threads, "_quota", 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize("n_jobs, expected", [(None, 8), (-1, 8), (-2, 7), (-8, 1), (-20, 1), (1, 1), (3, 3), (20, 20)])
def test_the_callers_word(eight, n_jobs, expected):
    assert effective_threads(n_jobs, MUCH) == expected
    assert effective_threads(n_jobs) == expected


@pytest.mark.parametrize("n_jobs", [None, -1, 4, 20])
def test_little_work_is_done_alone_and_more_by_as_many_as_it_feeds(eight, n_jobs):
    assert effective_threads(n_jobs, SERIAL_BELOW - 1) == 1
    assert effective_threads(n_jobs, 3 * SERIAL_BELOW) == 3
    assert effective_threads(n_jobs, 3, serial_below=1) == 3
    assert effective_threads(n_jobs, 0, serial_below=0) >= 4


def test_a_containers_quota_binds_unless_the_environment_speaks(eight, monkeypatch):
    monkeypatch.setattr(threads, "_quota", 2)
    assert effective_threads(None, MUCH) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert effective_threads(None, MUCH) == 8


@pytest.mark.parametrize("n_jobs, error", [(0, ValueError), (1.0, TypeError), ("2", TypeError), (True, TypeError)])
def test_bad_n_jobs(n_jobs, error):
    with pytest.raises(error, match="n_jobs="):
        effective_threads(n_jobs, 1)


def test_one_thread_beside_joblibs_threads(eight):
    def inside(n_jobs=None):
        return effective_threads(n_jobs, MUCH)

    assert Parallel(n_jobs=2, backend="threading")(delayed(inside)() for _ in range(2)) == [1, 1]
    assert Parallel(n_jobs=2, backend="threading")(delayed(inside)(3) for _ in range(2)) == [3, 3]
    assert Parallel(n_jobs=1)(delayed(inside)() for _ in range(2)) == [8, 8]


def test_joblibs_processes_use_their_share():
    code = """
import os
from joblib import Parallel, delayed, parallel_config
def inside():
    from fastml.threads import effective_threads
    return effective_threads(None, 1e12), os.environ["OMP_NUM_THREADS"]
if __name__ == "__main__":
    from fastml._engines.runtime import openmp
    with parallel_config(backend="loky", inner_max_num_threads=3):
        for threads, share in Parallel(n_jobs=2)(delayed(inside)() for _ in range(2)):
            print(share == "3" and threads == (3 if openmp() else 1))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["True", "True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_starts_no_threads():
    code = """
import os
from fastml.threads import effective_threads
child = os.fork()
if not child:
    os._exit(effective_threads(4, 1e12))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), effective_threads(4, 1e12))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["1", "4"]
