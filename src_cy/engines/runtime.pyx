"""What the compiled core is and runs on: instruction set, OpenMP, number of processors."""

from cpython.pythread cimport PyThread_get_thread_ident

from kernels.interrupt cimport fastml_interrupt_state, fastml_stopped, fastml_unwatch, fastml_watch
from kernels.threads cimport (
    fastml_checked, fastml_in_parallel, fastml_max_threads, fastml_openmp, fastml_processors,
)
from simd.simd cimport fastml_simd

cdef unsigned long watching_thread = 0       # whose fits Ctrl-C ends
cdef bint is_watched = False


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


def watch_interrupt() -> bool:
    """From now on Ctrl-C ends the growth of trees that this thread grows; False where it cannot be watched."""
    global watching_thread, is_watched
    if is_watched or not fastml_watch():
        return False
    watching_thread = PyThread_get_thread_ident()
    is_watched = True
    return True


def unwatch_interrupt() -> None:
    """The end of `watch_interrupt`."""
    global is_watched
    fastml_unwatch()
    is_watched = False


def stop_address() -> int:
    """Where engines look whether to stop; 0 where Ctrl-C is not this thread's business."""
    if not is_watched or watching_thread != PyThread_get_thread_ident():
        return 0
    return <size_t> fastml_interrupt_state()


def interrupted() -> bool:
    """Whether engines that this thread calls stop, or have stopped, before they are done."""
    return stop_address() != 0 and fastml_stopped(fastml_interrupt_state()) != 0
