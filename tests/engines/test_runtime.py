"""The engine `runtime`: what it says about this machine."""

import os
import subprocess
import sys

import pytest

from fastml._engines import runtime


def test_it_reports_sensible_numbers():
    assert runtime.instruction_set() in {"base", "avx2", "avx512"}
    assert runtime.processors() >= 1
    assert runtime.max_threads() >= 1
    assert runtime.openmp() == 0 or runtime.openmp() > 200000
    assert isinstance(runtime.checked(), bool)


@pytest.mark.parametrize("isa", ["base", "avx2", "avx512"])
def test_the_environment_forces_an_instruction_set_that_the_machine_has(isa):
    code = "from fastml._engines import runtime; print(runtime.instruction_set())"

    def chosen(asked):
        env = {**os.environ, "FASTML_ISA": asked}
        return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)

    best = chosen("").stdout.strip()
    order = ["base", "avx2", "avx512"]
    expected = isa if order.index(isa) <= order.index(best) else "base"
    assert chosen(isa).stdout.strip() == expected
