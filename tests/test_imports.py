"""What an import costs: `import fastml` is nearly free, and nothing heavy comes in uninvited."""

import json
import subprocess
import sys

import pytest

import fastml

HEAVY = ["numba", "llvmlite", "dask", "distributed", "matplotlib", "pandas", "polars", "pyarrow", "rich", "xgboost"]


def run(code: str) -> str:
    """The output of the code in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def modules(statement: str) -> set[str]:
    """What the statement loads into a fresh interpreter."""
    return set(json.loads(run(f"{statement}\nimport json, sys; print(json.dumps(sorted(sys.modules)))")))


def seconds(statement: str, before: str = "pass", repeat: int = 3) -> float:
    """Time of the import in a fresh interpreter; the best of several, which is the one that nobody disturbed."""
    code = f"import time; {before}; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    return min(float(run(code)) for _ in range(repeat))


@pytest.mark.parametrize("statement", ["import fastml", "from fastml.ensemble import *", "import fastml.tree"])
def test_nothing_heavy_is_loaded(statement):
    uninvited = modules(statement) - modules("import sklearn.base")  # which loads pandas where there is one
    assert not uninvited & set(HEAVY)


def test_import_fastml_costs_nearly_nothing():
    assert seconds("import fastml", before="import sklearn.base") < 0.05


def test_import_of_the_boosters_costs_no_more_than_their_peer():
    ours = seconds("from fastml.ensemble import XGBClassifier")
    peer = seconds("from sklearn.ensemble import HistGradientBoostingClassifier")
    assert ours < 1.2 * peer  # 1.0 is the aim; the rest is for a busy machine


def test_subpackages_and_names_come_when_asked_for():
    code = "import fastml; print(fastml.ensemble.__name__, fastml.data.__name__, fastml.show_config.__name__)"
    assert run(code).split() == ["fastml.ensemble", "fastml.data", "show_config"]
    assert {"ensemble", "data", "tree", "show_config", "__version__"} <= set(dir(fastml))
    for absent in ("nonsense", "_nonsense"):
        with pytest.raises(AttributeError, match=f"no attribute '{absent}'"):
            getattr(fastml, absent)
