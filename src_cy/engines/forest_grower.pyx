"""Grows the trees of a forest side by side, each on rows of its own, from ranks of the values.

Limit: a node reads the rank of each of its rows in each column drawn (4 bytes, from anywhere in the cache), puts them
in order and adds up targets: measured 3 to 6 ns a row and column drawn, where columns that are kept sorted would all
have to move at each split. A tree is one thread's work, and its random numbers hang on its seed alone, so that bits do
not depend on the threads. Memory: 4 bytes a value, about 100 a row and thread.
"""

from cython.parallel cimport parallel, prange
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from kernels.drawn_growth cimport grow_rows, grow_rows_best_first
from kernels.drawn_nodes cimport (
    NONE, OF_COUNTS, OF_NUMBERS, DrawnProblem, DrawnWork, FastSearch, drawn_work_free, drawn_work_init,
)
from kernels.exact_nodes cimport Grown
from kernels.exact_options cimport set_options
from kernels.forest_freeze cimport FrozenTree, freeze, frozen_free
from kernels.forest_parts cimport free_parts, join_part, keep_part, list_parts, open_part
from kernels.forest_start cimport balance, draw_rows, start_tree
from kernels.interactions cimport open_interactions
from kernels.interrupt cimport fastml_interrupt, fastml_stopped
from kernels.impurity cimport ABSOLUTE_ERROR, GINI, OWN, SQUARED_ERROR, Criterion, OwnImpurity, Target
from simd.simd cimport fastml_kernels, fastml_simd

import numpy as np

from fastml._engines.runtime import stop_address

NODE = np.dtype([("value", "<f8"), ("left", "<i4"), ("feature", "<u4")])
CRITERIA = {"gini": 0, "entropy": 1, "log_loss": 1, "squared_error": 2, "poisson": 3, "absolute_error": 4, "own": 5}


cdef enum:
    SHARED_ROWS = 4096              # of a tree that threads grow together, where there are fewer trees than threads
    PARTS_A_THREAD = 8              # subtrees, so that threads end together


def bootstrap_counts(uint64_t seed, ptrdiff_t n_samples, ptrdiff_t n_draws, const double[::1] cumulative=None):
    """How often the tree of this seed sees each row; see forest_grower.pyi."""
    cdef double[::1] out = np.empty(n_samples)
    if n_samples == 0:
        raise ValueError("n_samples=0: there is no row to draw")
    if cumulative is not None and cumulative.shape[0] != n_samples:
        raise ValueError(f"cumulative must have {n_samples} numbers")
    with nogil:
        draw_rows(seed, n_samples, n_draws, NULL if cumulative is None else &cumulative[0], &out[0])
    return np.asarray(out)


cdef struct TreeMemory:             # of one thread
    double *weight                  # (n,)
    double *pairs                   # (n, 2)
    uint64_t *entries               # (n,)
    double *class_sums              # (n_classes,)
    int32_t *stack                  # (4 n,)
    bint there


cdef class ForestGrower:
    """Forests on one table of ranks; see forest_grower.pyi."""

    cdef const uint16_t[:, ::1] ranks16
    cdef const uint32_t[:, ::1] ranks32
    cdef ptrdiff_t n_samples, n_features
    cdef const double[::1] values
    cdef const double[::1] largest
    cdef const int64_t[::1] values_start
    cdef const uint8_t[::1] is_categorical
    cdef int n_threads

    def __cinit__(
        self, ranks, const double[::1] values, const int64_t[::1] values_start,
        int n_threads=1, const uint8_t[::1] is_categorical=None, const double[::1] largest=None,
    ):
        self.largest = values if largest is None else largest
        self.ranks16 = ranks if ranks.dtype == np.uint16 else None
        self.ranks32 = ranks if ranks.dtype != np.uint16 else None
        self.n_samples = ranks.shape[1]
        self.n_features = ranks.shape[0]
        self.values = values
        self.values_start = values_start
        self.is_categorical = is_categorical
        self.n_threads = max(n_threads, 1)

    def grow(
        self, criterion, options, const uint64_t[::1] seeds, const int32_t[:, ::1] label=None, int n_classes=0,
        const double[:, ::1] y=None, const double[::1] weight=None, const int8_t[::1] monotone=None,
        ptrdiff_t n_draws=0, bint balanced=False, const int32_t[::1] classes_of=None, stop=None,
        own=None,
    ):
        """A list of trees, one a seed; see forest_grower.pyi."""
        cdef DrawnProblem p
        cdef ptrdiff_t n = self.n_samples, n_trees = seeds.shape[0], t
        cdef const double *cumulative = NULL
        cdef const double[::1] sums
        cdef const int32_t *n_classes_of = NULL if classes_of is None else &classes_of[0]
        cdef bint sparse, keep_all
        cdef int failed = 0, n_threads = self.n_threads, n_statistics = n_classes or 3
        cdef double[:, ::1] faults = None
        cdef FrozenTree *out
        memset(&p, 0, sizeof(p))
        options = dict(options)
        interactions = options.pop("interactions", None)
        set_options(&p.exact, options)
        if interactions is not None:
            open_interactions(&p.exact.interactions, interactions.sets, interactions.most, <int> self.n_features)
        p.exact.stop = <const fastml_interrupt *> <size_t> (stop_address() if stop is None else stop)
        if self.ranks16 is not None:
            p.ranks16 = &self.ranks16[0, 0]
        else:
            p.ranks32 = &self.ranks32[0, 0]
        p.stride = n
        p.exact.n_features = <int> self.n_features
        p.exact.values = &self.values[0] if self.values.shape[0] else NULL
        p.exact.largest = &self.largest[0] if self.largest.shape[0] else NULL
        p.exact.values_start = &self.values_start[0]
        p.exact.is_categorical = NULL if self.is_categorical is None else &self.is_categorical[0]
        p.exact.monotone = NULL if monotone is None else &monotone[0]
        p.exact.target.criterion = <Criterion> <int> CRITERIA[criterion]
        p.exact.target.n = n
        p.exact.target.n_classes = n_classes
        p.exact.target.n_outputs = <int> (label.shape[0] if label is not None else y.shape[0])
        p.exact.target.width = p.exact.target.n_outputs * max(n_classes, 1)
        if p.exact.target.criterion == OWN:
            p.exact.target.own = <OwnImpurity> <size_t> own.address
            p.exact.target.width *= 1 if n_classes else 2
            faults = np.zeros((n_trees + 1, 1 + n_statistics))
            p.exact.target.fault = &faults[0, 0]
            n_threads = 1 if own.is_interpreted else n_threads  # others would wait for the interpreter's lock
        p.exact.target.label = NULL if label is None else &label[0, 0]
        p.exact.target.y = NULL if y is None else &y[0, 0]
        p.fast = fast_search(&p, counts_rows(weight, n, n_draws, balanced))
        sparse = n_classes > 0 and p.exact.target.n_outputs == 1
        keep_all = p.exact.target.criterion == ABSOLUTE_ERROR or p.exact.target.criterion == OWN
        if n_draws > 0 and weight is not None:
            sums = np.cumsum(weight)
            cumulative = &sums[0]
        elif weight is not None:
            p.exact.target.weight = &weight[0]
        out = <FrozenTree *> calloc(n_trees + 1, sizeof(FrozenTree))
        if out == NULL:
            raise MemoryError
        try:
            with nogil:
                failed = grow_all(&p, &seeds[0], n_trees, n_draws, cumulative, balanced, n_classes_of, sparse, keep_all,
                                  n_threads, out)
            if failed:
                raise MemoryError
            if faults is not None:
                for t in range(n_trees):
                    if faults[t, 0] != 0.0:
                        own.refuse(np.asarray(faults)[t, 1:])
            grown = []
            for t in range(n_trees):
                if out[t].nodes == NULL:    # Ctrl-C: it was not complete
                    break
                grown.append(as_arrays(&p.exact.target, &out[t]))
            return grown
        finally:
            for t in range(n_trees):
                frozen_free(&out[t])
            free(out)


cdef bint counts_rows(weight, ptrdiff_t n, ptrdiff_t n_draws, bint balanced):
    """Whether weights in a tree count rows, in the 16 bits that an entry has for them."""
    own = np.ones(1) if weight is None else np.asarray(weight)
    if n_draws > 0:                 # means; a count twice as large does not happen
        return not balanced and n_draws * (1.0 / max(n, 1) if weight is None else own.max() / own.sum()) < 32768.0
    return own.max(initial=0.0) < 65536.0 and bool((own == np.rint(own)).all())


cdef FastSearch fast_search(const DrawnProblem *p, bint counts):
    """Which search columns of numbers have; counts: whether weights count rows."""
    if p.exact.target.n_outputs > 1 or p.exact.options.random_cuts:
        return NONE
    if p.exact.target.criterion == SQUARED_ERROR:
        return OF_NUMBERS
    if p.exact.target.criterion != GINI:
        return NONE
    if counts and p.exact.target.n_classes < 65536:
        return OF_COUNTS
    return OF_NUMBERS if p.exact.target.y != NULL else NONE


cdef int grow_all(
    const DrawnProblem *problem, const uint64_t *seeds, ptrdiff_t n_trees, ptrdiff_t n_draws, const double *cumulative,
    bint balanced, const int32_t *classes_of, bint sparse, bint keep_all, int n_threads, FrozenTree *out
) noexcept nogil:
    """Trees to `out`, a thread each; how many found no memory."""
    cdef ptrdiff_t t
    cdef int failed = 0
    cdef DrawnWork *w
    cdef TreeMemory *m
    cdef const fastml_kernels *simd = fastml_simd()
    if (
        n_trees < n_threads and problem.exact.target.n >= SHARED_ROWS and problem.exact.options.max_leaves == 0
        and problem.exact.target.criterion != OWN   # of which one thread notes a tree's faults
    ):
        for t in range(n_trees):
            failed += not grow_together(problem, seeds[t], n_draws, cumulative, balanced, classes_of, sparse, keep_all,
                                        n_threads, &out[t])
        return failed
    with parallel(num_threads=<int> min(<ptrdiff_t> n_threads, n_trees)):
        w = <DrawnWork *> malloc(sizeof(DrawnWork))
        m = new_memory(problem, w)
        for t in prange(n_trees, schedule="dynamic", chunksize=1):
            if m == NULL or not grow_one(problem, simd, w, m, seeds[t], n_draws, cumulative, balanced, classes_of,
                                         sparse, keep_all, t, &out[t]):
                failed += 1
        if m != NULL:
            free_memory(m)
            drawn_work_free(w)
        free(w)
    return failed


cdef TreeMemory *new_memory(const DrawnProblem *p, DrawnWork *w) noexcept nogil:
    """What a thread needs for its trees; NULL where there is no memory."""
    cdef ptrdiff_t n = p.exact.target.n
    cdef TreeMemory *m = <TreeMemory *> calloc(1, sizeof(TreeMemory))
    if w == NULL or m == NULL:
        free(m)
        return NULL
    m.weight = <double *> malloc((n + 1) * sizeof(double))
    m.pairs = <double *> malloc(2 * (n + 1) * sizeof(double))
    m.entries = <uint64_t *> malloc((n + 1) * sizeof(uint64_t))
    m.class_sums = <double *> malloc((p.exact.target.n_classes + 1) * sizeof(double))
    m.stack = <int32_t *> malloc(4 * (n + 1) * sizeof(int32_t))
    m.there = drawn_work_init(p, w, n)
    if (
        m.there and m.weight != NULL and m.pairs != NULL and m.entries != NULL and m.class_sums != NULL
        and m.stack != NULL
    ):
        return m
    drawn_work_free(w)
    free_memory(m)
    return NULL


cdef void free_memory(TreeMemory *m) noexcept nogil:
    free(m.weight)
    free(m.pairs)
    free(m.entries)
    free(m.class_sums)
    free(m.stack)
    free(m)


cdef bint open_tree(
    DrawnProblem *p, DrawnWork *w, TreeMemory *m, uint64_t seed, ptrdiff_t n_draws, const double *cumulative,
    bint balanced, const int32_t *classes_of,
) noexcept nogil:
    """The tree's rows and root; False where there is no memory."""
    cdef ptrdiff_t n = p.exact.target.n
    cdef double *pairs = NULL
    p.exact.options.seed = seed
    if n_draws > 0:
        draw_rows(seed, n, n_draws, cumulative, m.weight)
        if balanced:
            memcpy(m.pairs, m.weight, n * sizeof(double))
            balance(p.exact.target.label, p.exact.target.n_outputs, p.exact.target.n_classes, classes_of, n, n_draws,
                    m.class_sums, m.pairs, m.weight)
        p.exact.target.weight = m.weight
    if p.exact.target.weight != NULL and p.exact.target.y != NULL and p.exact.target.n_outputs == 1:
        pairs = m.pairs
    return start_tree(p, w, m.entries, pairs)


cdef bint grow_one(
    const DrawnProblem *problem, const fastml_kernels *simd, DrawnWork *w, TreeMemory *m, uint64_t seed,
    ptrdiff_t n_draws, const double *cumulative, bint balanced, const int32_t *classes_of, bint sparse, bint keep_all,
    ptrdiff_t number, FrozenTree *out
) noexcept nogil:
    """One tree, start to end, and none where Ctrl-C ends it before; False where there is no memory."""
    cdef DrawnProblem p = problem[0]
    if fastml_stopped(p.exact.stop):
        return True
    if p.exact.target.criterion == OWN:
        p.exact.target.fault += number * (1 + (p.exact.target.n_classes or 3))
    if not open_tree(&p, w, m, seed, n_draws, cumulative, balanced, classes_of):
        return False
    if p.exact.options.max_leaves > 0:
        if grow_rows_best_first(&p, w, simd) < 0:
            return False
    elif grow_rows(&p, w, simd) < 0:
        return False
    if fastml_stopped(p.exact.stop):
        return True
    return freeze(&p.exact, &w.base.grown, sparse, keep_all, m.stack, out)


cdef bint grow_together(
    const DrawnProblem *problem, uint64_t seed, ptrdiff_t n_draws, const double *cumulative, bint balanced,
    const int32_t *classes_of, bint sparse, bint keep_all, int n_threads, FrozenTree *out
) noexcept nogil:
    """One tree by all threads: its top by one, then subtrees side by side. False where there is no memory."""
    cdef DrawnProblem p = problem[0]
    cdef const fastml_kernels *simd = fastml_simd()
    cdef DrawnWork top, *w
    cdef TreeMemory *m = new_memory(&p, &top)
    cdef int32_t *nodes = NULL
    cdef Grown *parts = NULL
    cdef int i, n = 0, failed = 0
    cdef ptrdiff_t few = p.exact.target.n // (PARTS_A_THREAD * n_threads)
    if m == NULL:
        return False
    if open_tree(&p, &top, m, seed, n_draws, cumulative, balanced, classes_of) and grow_rows(&p, &top, simd, few) == 0:
        nodes = <int32_t *> malloc(top.base.grown.n * sizeof(int32_t))
    if nodes != NULL:
        n = list_parts(&p, &top.base.grown, few, nodes)
        parts = <Grown *> calloc(n + 1, sizeof(Grown))
    if parts == NULL:
        failed = 1
    else:
        with parallel(num_threads=n_threads):
            w = <DrawnWork *> malloc(sizeof(DrawnWork))
            if w != NULL and not drawn_work_init(&p, w, few):
                drawn_work_free(w)
                free(w)
                w = NULL
            for i in prange(n, schedule="dynamic", chunksize=1):
                if (
                    w == NULL or not open_part(&p, &top.base.grown, nodes[i], w) or grow_rows(&p, w, simd) < 0
                    or not keep_part(&p, &w.base.grown, &parts[i])
                ):
                    failed += 1
            if w != NULL:
                drawn_work_free(w)
            free(w)
        for i in range(n):
            if failed == 0 and not join_part(&p, &top.base.grown, nodes[i], &parts[i]):
                failed = 1
        free_parts(parts, n)
        if failed == 0 and not fastml_stopped(p.exact.stop) and not freeze(
            &p.exact, &top.base.grown, sparse, keep_all, m.stack, out
        ):
            failed = 1
    free(nodes)
    free_memory(m)
    drawn_work_free(&top)
    return failed == 0


cdef object copied(const void *data, ptrdiff_t n, object dtype):
    """A new array of n items."""
    out = np.empty(n, dtype)
    cdef const uint8_t[::1] view = out.view(np.uint8) if n else None
    if n:
        memcpy(<void *> &view[0], data, view.shape[0])
    return out


cdef tuple as_arrays(const Target *target, const FrozenTree *t):
    """See ForestGrower.grow."""
    cdef int width = target.width
    sets = copied(t.sets, t.n_sets * 8, np.uint32).reshape(-1, 8)
    amounts = copied(t.amounts, t.n_amounts, np.float64)
    start = classes = impurity = sums = None
    if t.start != NULL:
        start = copied(t.start, t.n_leaves + 1, np.int32)
        classes = copied(t.classes, t.n_amounts, np.int32)
    if t.sums != NULL:
        impurity = copied(t.impurity, t.n_nodes, np.float64)
    if target.criterion == ABSOLUTE_ERROR:
        sums = copied(t.sums, <ptrdiff_t> t.n_nodes * width, np.float64).reshape(-1, width)
    elif target.criterion == OWN and target.n_classes == 0:     # w y without w y^2
        amounts = amounts.reshape(-1, 2, target.n_outputs)[:, 0].ravel()
    return (
        copied(t.nodes, t.n_nodes, NODE), sets, copied(t.weight, t.n_leaves, np.float64),
        copied(t.own, t.n_leaves, np.float64), copied(t.rows, t.n_leaves, np.int32), start, classes, amounts,
        impurity, sums,
    )
