"""The shape of the library: imports point one way, files stay small, every engine has its stub, twin and test."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "fastml"
MODULES = sorted(p for p in PACKAGE.rglob("*.py"))
ENGINES = sorted((ROOT / "src_cy" / "engines").glob("*.pyx"))
SOURCES = sorted(
    p for top in ("fastml", "src_cy", "tests", "benchmarks", "examples") for p in (ROOT / top).rglob("*")
    if p.suffix in {".py", ".pyx", ".pxd", ".pyi", ".c", ".h", ".inl"}
)

# From the bottom up: a module imports from its own layer or from those before it.
LAYERS = [
    {"_engines"},
    {"exceptions", "extras", "lazy", "config", "threads", "interrupts"},
    {"base"},
    {"data"},
    {"losses"},
    {"jit"},
    {"io"},  # finds the estimator that a file names when it loads one, by the name
    {"tree"},
    {"ensemble"},
    {"neighbors"},
    {"cluster"},
    {"svm"},
    {"plotting"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Where each heavy or version-bound library may be imported, at the top of a module or inside a function.
ONLY_IN = {
    "sklearn.base": {"base"},
    "sklearn.callback": {"base"},
    "sklearn.utils._param_validation": {"base"},
    "sklearn.utils._tags": {"base"},
    "numba": {"jit"},
    "llvmlite": {"jit"},
    "dask": {"dask"},
    "matplotlib": {"plotting"},
    "rich": {"cli"},
    "xgboost": set(),
    "lightgbm": set(),
    "catboost": set(),
}

MAX_LINES = 400
LONGER = {}  # path: why it may be longer than that

WITHOUT_TWIN = {"runtime"}  # reports, computes nothing


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def layer_of(path: Path) -> str:
    """The layer of a file in fastml/: its subpackage, or its own name at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every module that the file imports, wherever it stands; `from a import b` gives a and a.b."""
    found = set()
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path):
    layer = layer_of(path)
    if layer in {"__init__", "__main__"}:
        return
    assert layer in RANK, f"give {layer} its place in LAYERS"
    above = sorted(
        module for module in imports(path)
        if module.startswith("fastml.") and RANK.get(module.split(".")[1], -1) > RANK[layer]
    )
    assert not above, f"{name_of(path)} imports from a layer above its own: {above}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_libraries_stay_where_they_belong(path):
    strays = sorted(
        module for module in imports(path) for library, homes in ONLY_IN.items()
        if (module == library or module.startswith(library + ".")) and layer_of(path) not in homes
    )
    assert not strays, f"{name_of(path)} imports {strays}; see ONLY_IN"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_are_small(path):
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    if name_of(path) in LONGER:
        assert n_lines > MAX_LINES, f"{name_of(path)} has {n_lines} lines: take it out of LONGER"
    else:
        assert n_lines <= MAX_LINES, f"{name_of(path)} has {n_lines} lines: cut it along its nouns"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.suffix in {".py", ".pyx", ".pxd", ".pyi"}], ids=name_of)
def test_every_module_says_what_it_is(path):
    text = path.read_text(encoding="utf-8").lstrip()
    assert text.startswith(('"""', 'r"""')), f"{name_of(path)} opens without a docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_classes_have_docstrings(path):
    bare = [
        node.name for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not bare, f"{name_of(path)}: no docstring on {bare}"


@pytest.mark.parametrize("path", ENGINES, ids=lambda p: p.stem)
def test_every_engine_has_a_stub_a_twin_and_a_test(path):
    wanted = [
        PACKAGE / "_engines" / f"{path.stem}.pyi",
        ROOT / "tests" / "engines" / f"test_{path.stem}.py",
        *([] if path.stem in WITHOUT_TWIN else [ROOT / "tests" / "reference" / f"{path.stem}.py"]),
    ]
    missing = [name_of(p) for p in wanted if not p.exists()]
    assert not missing, f"{name_of(path)} lacks {missing}"


@pytest.mark.parametrize("path", ENGINES, ids=lambda p: p.stem)
def test_the_stub_names_what_the_engine_has(path):
    stub = PACKAGE / "_engines" / f"{path.stem}.pyi"
    if not stub.exists():
        pytest.skip("the test above says so")
    engine = __import__(f"fastml._engines.{path.stem}", fromlist=["_"])
    named = {
        node.name for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    home = {name for name, value in vars(engine).items() if getattr(value, "__module__", "") == engine.__name__}
    public = {name for name in home if not name.startswith("_")}
    assert named - set(vars(engine)) == set(), "in the stub, not in the engine"
    assert public - named == set(), "in the engine, not in the stub"


def test_only_pxd_files_are_cimported():
    """A .pyx is a machine of its own: what two of them share stands in src_cy/kernels or src_cy/simd."""
    beside = [name_of(p) for p in (ROOT / "src_cy" / "engines").glob("*.pxd")]
    assert not beside, f"move these to src_cy/kernels: {beside}"
