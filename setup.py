"""Builds src_cy/ into fastml/_engines/: asks the compiler what it can do, then compiles."""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext

from distutils.ccompiler import new_compiler  # setuptools brings it  # isort: skip
from distutils.sysconfig import customize_compiler  # isort: skip

SOURCE = Path("src_cy")
SIMD = SOURCE / "simd"
CHECKED = os.environ.get("FASTML_CHECKED", "0")  # 1: bounds and undefined behaviour; address: AddressSanitizer
ONLY = os.environ.get("FASTML_ENGINES", "").split()  # while developing: the engines to build, all by default
MSVC = sys.platform == "win32"

# No -march and no -ffast-math: one wheel for every machine, and the same bits on each of them.
OPTIMISE = ["/O2"] if MSVC else ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
CHECKS = {
    "1": ["-O1", "-g", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-DFASTML_CHECKED"],
    "address": ["-O1", "-g", "-fsanitize=address", "-DFASTML_CHECKED"],
}
FLAGS = OPTIMISE + ([] if MSVC else CHECKS.get(CHECKED, []))
# What to try for OpenMP, best first: (compile flags, link flags). macOS's clang needs libomp.
OPENMP = [(["/openmp"], [])] if MSVC else [(["-fopenmp"], ["-fopenmp"]), (["-Xpreprocessor", "-fopenmp"], ["-lomp"])]


def openmp_flags() -> tuple[list[str], list[str]]:
    """The flags with which this compiler builds and links an OpenMP program, or none."""
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder, "probe.c")
        probe.write_text("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
        for compile_flags, link_flags in OPENMP:
            try:
                objects = compiler.compile([str(probe)], output_dir=folder, extra_postargs=compile_flags)
                compiler.link_executable(objects, str(Path(folder, "probe")), extra_postargs=link_flags)
                return compile_flags, link_flags
            except Exception:  # each compiler class fails in its own way; the next flags, or none
                continue
    return [], []


class BuildEngines(build_ext):
    """build_ext that links every engine with OpenMP where the compiler has it."""

    def run(self):
        self.run_command("build_clib")  # an in-place or editable build would skip it
        super().run()

    def build_extensions(self):
        compile_flags, link_flags = openmp_flags()
        for extension in self.extensions:
            extension.extra_compile_args += FLAGS + compile_flags
            extension.extra_link_args += link_flags
        super().build_extensions()


class BuildKernels(build_clib):
    """build_clib of plain-C units: each family of kernels for each instruction set, side by side."""

    def build_libraries(self, libraries):
        for _, info in libraries:
            info["cflags"] = FLAGS
        compile_one = self.compiler.compile

        def compile_all(sources, **options):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return [made[0] for made in pool.map(lambda source: compile_one([source], **options), sources)]

        self.compiler.compile = compile_all
        super().build_libraries(libraries)


def kernel_units() -> list[str]:
    """The C files: x.h that declares tables of kernels has them in x.inl; and what stands alone."""
    units = [str(path) for path in sorted(SIMD.glob("*.c"))]
    folder = Path("build", "simd")
    folder.mkdir(parents=True, exist_ok=True)
    families = [path.stem for path in sorted(SIMD.glob("*.h")) if "\nFASTML_TABLES(" in path.read_text()]
    for family, isa in product(families, ("base", "avx2", "avx512")):
        unit = folder / f"{family}_{isa}.c"
        text = f'#include "isa_{isa}.h"\n#include "{family}.inl"\n#include "isa_end.h"\n'
        if not unit.exists() or unit.read_text() != text:
            unit.write_text(text)
        units.append(str(unit))
    return units


def engines() -> list[Extension]:
    return [
        Extension(
            f"fastml._engines.{path.stem}",
            [str(path)],
            include_dirs=[numpy.get_include(), str(SIMD)],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
            depends=[str(p) for p in (*SOURCE.rglob("*.pxd"), *SIMD.iterdir())],
        )
        for path in sorted((SOURCE / "engines").glob("*.pyx"))
        if not ONLY or path.stem in ONLY
    ]


DIRECTIVES = {"language_level": 3, "boundscheck": CHECKED == "1", "wraparound": False, "cdivision": True,
              "initializedcheck": False, "freethreading_compatible": True}

setup(
    ext_modules=cythonize(engines(), include_path=["src_cy"], compiler_directives=DIRECTIVES, build_dir="build/cython"),
    libraries=[("fastml_simd", {
        "sources": kernel_units(),
        "include_dirs": [str(SIMD)],
        "obj_deps": {"": [str(p) for p in sorted(SIMD.glob("*.[hi]*"))]},
    })],
    options={"build_ext": {"parallel": os.cpu_count()}},
    cmdclass={"build_ext": BuildEngines, "build_clib": BuildKernels},
)
