"""What the compiled core is and runs on: instruction set, OpenMP, number of processors."""

from simd.simd cimport fastml_simd

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    static int fastml_openmp(void) { return _OPENMP; }
    static int fastml_processors(void) { return omp_get_num_procs(); }
    static int fastml_in_parallel(void) { return omp_in_parallel(); }
    static int fastml_max_threads(void) { return omp_get_max_threads(); }
    #else
    static int fastml_openmp(void) { return 0; }
    static int fastml_processors(void) { return 1; }
    static int fastml_in_parallel(void) { return 0; }
    static int fastml_max_threads(void) { return 1; }
    #endif
    #ifdef FASTML_CHECKED
    static int fastml_checked(void) { return 1; }
    #else
    static int fastml_checked(void) { return 0; }
    #endif
    """
    int fastml_openmp() nogil
    int fastml_processors() nogil
    int fastml_in_parallel() nogil
    int fastml_max_threads() nogil
    int fastml_checked() nogil


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
