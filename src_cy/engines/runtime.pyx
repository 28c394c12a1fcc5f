"""What the compiled core is and runs on: instruction set, OpenMP, number of processors."""

from kernels.threads cimport (
    fastml_checked, fastml_in_parallel, fastml_max_threads, fastml_openmp, fastml_processors,
)
from simd.simd cimport fastml_simd


def instruction_set() -> str:
    """Name of the kernels in use: "base", "avx2" or "avx512"; the environment's FASTML_ISA forces one."""
    return fastml_simd().name.decode()


def openmp() -> int:
    """Date of the OpenMP specification compiled against (yyyymm), 0 without OpenMP."""
    return fastml_openmp()


def max_threads() -> int:
    """Threads that a parallel region may use now: OMP_NUM_THREADS and the process's affinity, one if nested."""
    return 1 if fastml_in_parallel() else fastml_max_threads()


def processors() -> int:
    """Processors that this process may run on."""
    return fastml_processors()


def checked() -> bool:
    """Whether this build checks bounds and undefined behaviour (FASTML_CHECKED=1)."""
    return fastml_checked() != 0
