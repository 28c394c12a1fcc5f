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


@pytest.mark.parametrize("statement", ["import fastml", "from fastml.ensemble import *", "import fastml.tree"])
def test_nothing_heavy_is_loaded(statement):
    uninvited = modules(statement) - modules("import sklearn.base")  # which loads pandas where there is one
    assert not uninvited & set(HEAVY)


def test_import_fastml_loads_next_to_nothing():
    loaded = modules("import fastml")
    assert not loaded & {"numpy", "scipy", "sklearn"}
    assert {name for name in loaded if name.startswith("fastml")} <= {"fastml", "fastml.exceptions", "fastml.config"}


def test_import_of_the_boosters_loads_nothing_that_their_peer_does_not():
    ours = modules("from fastml.ensemble import XGBClassifier")
    peer = modules("from sklearn.ensemble import HistGradientBoostingClassifier")
    own = {name for name in ours - peer if name.split(".")[0] == "fastml"}
    assert len(own) < 100
    assert ours - peer - own == set()


def test_subpackages_and_names_come_when_asked_for():
    code = "import fastml; print(fastml.ensemble.__name__, fastml.data.__name__, fastml.show_config.__name__)"
    assert run(code).split() == ["fastml.ensemble", "fastml.data", "show_config"]
    assert {"ensemble", "data", "tree", "show_config", "__version__"} <= set(dir(fastml))
    for absent in ("nonsense", "_nonsense"):
        with pytest.raises(AttributeError, match=f"no attribute '{absent}'"):
            getattr(fastml, absent)
