"""Grows trees on binned data from gradients and hessians.

Limit: each level counts about half of the rows, a load, an add and a store for each value (at best one store a
cycle), and moves every row id once; see kernels/grow.pxd for how a team of threads shares that.
"""

from cython.parallel cimport parallel, prange, threadid
from libc.float cimport FLT_MAX
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from kernels.grow cimport CATEGORICAL_BIT, grow_start, grow_tree
from kernels.grow_options cimport set_options
from kernels.growth cimport Bundles, Growth, Problem, growth_free, growth_new
from kernels.interactions cimport open_interactions
from kernels.interrupt cimport fastml_interrupt
from kernels.random cimport random_bits
from kernels.split cimport hessian_sum
from kernels.threads cimport fastml_barrier_arrive, fastml_barrier_open, fastml_team_size
from simd.simd cimport FASTML_CELLS, fastml_simd
from types cimport Node

import numpy as np

from fastml._engines.runtime import stop_address

NODE = np.dtype([("value", "<f8"), ("left", "<i4"), ("feature", "<u4")])
# Histograms that one growing tree may keep; beyond it children are counted anew instead of subtracted.
MAX_HISTOGRAM_BYTES = 256 * 1024 * 1024
MAX_SAMPLES = 2**30


cdef class HistogramGrower:
    """Grows one tree a call and output, on the same binned data each time.

    See histogram_grower.pyi for the arguments. Bits do not depend on n_threads: all sums are integers.
    """

    cdef Problem problem
    cdef Growth **growths           # one for each tree that may grow at a time
    cdef int n_growths
    cdef int n_threads
    cdef int n_outputs
    cdef int64_t n_rounds
    cdef object arrays              # keeps the memory alive that problem points to
    cdef list trees                 # of the last round: (nodes, gain, cover, categories)

    def __cinit__(
        self,
        const uint8_t[:, ::1] codes_by_row,
        const uint8_t[:, ::1] codes_by_column,
        int n_samples,
        const int32_t[::1] n_bins,
        const uint8_t[::1] is_categorical,
        const double[::1] edges,
        const int64_t[::1] edges_start,
        dict options,
        int n_outputs=1,
        int n_threads=1,
        int64_t first_round=0,
        bundles=None,
        bint room=False,
    ):
        cdef Problem *p = &self.problem
        cdef int i, teams, max_slots
        if n_samples > MAX_SAMPLES:
            raise ValueError(f"n_samples={n_samples} must be at most {MAX_SAMPLES}: a node's sums are 32-bit numbers")
        p.simd = fastml_simd()
        options = dict(options)
        interactions = options.pop("interactions", None)
        set_options(&p.options, options)
        if (codes_by_row is None) == (bundles is None):
            raise ValueError("a grower reads its rows by column or by bundle: give one of codes_by_row and bundles")
        p.by_row = NULL
        if codes_by_row is not None:
            p.by_row = &codes_by_row[0, 0]
            p.row_stride = codes_by_row.shape[1]
        p.by_column = &codes_by_column[0, 0]
        p.column_stride = codes_by_column.shape[1]
        p.n_samples = n_samples
        p.n_features = codes_by_column.shape[0]
        p.n_bins = &n_bins[0]
        p.is_categorical = &is_categorical[0]
        p.edges = &edges[0] if edges.shape[0] > 0 else NULL
        p.edges_start = &edges_start[0]
        p.interactions.n_words = 0
        if interactions is not None:
            open_interactions(&p.interactions, interactions.sets, interactions.most, p.n_features)
        self.arrays = (codes_by_row, codes_by_column, n_bins, is_categorical, edges, edges_start, bundles, interactions)
        p.bundles.n = 0
        if bundles is not None:
            set_bundles(p, bundles.cells_by_row, bundles.start, bundles.bundle_of, bundles.codes)
        self.n_threads = n_threads
        self.n_outputs = n_outputs
        self.n_rounds = first_round
        # Whole trees side by side need no barrier; with few trees the threads share each of them.
        teams = n_threads if n_outputs >= 4 * n_threads or n_outputs % n_threads == 0 else 1
        max_slots = max(4, MAX_HISTOGRAM_BYTES // (teams * p.n_features * FASTML_CELLS * sizeof(int64_t)))
        p.narrow = NULL
        if room:
            if n_outputs > 1:
                raise ValueError("trees of several outputs grow side by side and cannot all write to the rows")
            set_room(p)
        self.growths = <Growth **> calloc(teams, sizeof(void *))
        if self.growths == NULL:
            raise MemoryError
        self.n_growths = teams
        for i in range(teams):
            self.growths[i] = growth_new(p, n_threads if teams == 1 else 1, max_slots)
            if self.growths[i] == NULL:
                raise MemoryError

    def __dealloc__(self):
        cdef int i
        if self.growths != NULL:
            for i in range(self.n_growths):
                growth_free(self.growths[i])
            free(self.growths)

    def set_learning_rate(self, double learning_rate):
        self.problem.options.learning_rate = learning_rate

    def set_least(self, double min_child_weight, double min_split_gain):
        """Other limits from the next tree on, where they hang on the rows that were drawn for it."""
        self.problem.options.min_child_weight = min_child_weight
        self.problem.options.min_split_gain = min_split_gain

    def grow(
        self,
        const float[:, ::1] grad,
        const float[:, ::1] hess,
        const double[::1] weight,
        const uint8_t[::1] sampled,
        const double[:, ::1] stats,
        int32_t[:, ::1] leaf_of_out,
    ):
        cdef int k
        cdef double weight_sum = self.problem.n_samples if weight is None else np.sum(weight)
        cdef double weight_max = 1.0 if weight is None else np.max(weight)
        cdef Growth *g
        for k in range(self.n_growths):
            self.growths[k].stop = <const fastml_interrupt *> <size_t> stop_address()
        self.trees = [None] * self.n_outputs
        if self.n_growths > 1:
            for k in prange(
                self.n_outputs, nogil=True, num_threads=self.n_growths, schedule="dynamic", chunksize=1
            ):
                g = self.growths[threadid()]
                self.prepare(g, k, grad, hess, weight, weight_sum, weight_max, sampled, stats)
                g.team = 1
                grow_start(&self.problem, g)
                grow_tree(&self.problem, g, 0, &leaf_of_out[k, 0])
                with gil:
                    self.trees[k] = finished_tree(&self.problem, g)
        else:
            g = self.growths[0]
            for k in range(self.n_outputs):
                self.prepare(g, k, grad, hess, weight, weight_sum, weight_max, sampled, stats)
                with nogil, parallel(num_threads=self.n_threads):
                    grow_together(&self.problem, g, threadid(), &leaf_of_out[k, 0])
                self.trees[k] = finished_tree(&self.problem, g)
        self.n_rounds += 1
        return self.trees

    cdef void prepare(
        self, Growth *g, int k, const float[:, ::1] grad, const float[:, ::1] hess, const double[::1] weight,
        double weight_sum, double weight_max, const uint8_t[::1] sampled, const double[:, ::1] stats,
    ) noexcept nogil:
        g.input.grad = &grad[k, 0]
        g.input.hess = NULL
        g.input.leaf_hess = NULL
        g.input.weight = NULL
        g.input.sampled = NULL
        if hess is not None:
            g.input.leaf_hess = &hess[k, 0]
        if not self.problem.options.first_order:
            g.input.hess = g.input.leaf_hess
        if weight is not None:
            g.input.weight = &weight[0]
        if sampled is not None:
            g.input.sampled = &sampled[0]
        g.input.g_sum = stats[k, 0]
        g.input.g_sq_sum = stats[k, 2]
        g.input.g_max = stats[k, 3]
        g.input.leaf_h_sum = stats[k, 1] if g.input.leaf_hess != NULL else weight_sum
        g.input.h_sum = stats[k, 1] if g.input.hess != NULL else weight_sum
        g.input.h_max = stats[k, 4] if g.input.hess != NULL else weight_max
        g.stream = self.n_rounds * self.n_outputs + k + 1


def sample_rows(ptrdiff_t n, double fraction, uint32_t seed, uint64_t stream):
    """Each row with probability `fraction`, by its own random bits: uint8 (n,)."""
    cdef uint8_t[::1] sampled = np.empty(n, np.uint8)
    cdef uint64_t limit = <uint64_t> (fraction * 18446744073709549568.0)
    cdef ptrdiff_t i
    for i in range(n):
        sampled[i] = random_bits(seed, stream, i) < limit
    return np.asarray(sampled)


def sample_exactly(ptrdiff_t n, ptrdiff_t size, uint32_t seed, uint64_t stream):
    """`size` of n rows, each set of them as likely: uint8 (n,).

    Row i is taken with probability (rows still wanted) / (rows left), by its own 32 random bits.
    Source: Knuth, The Art of Computer Programming 2, algorithm S.
    """
    cdef uint8_t[::1] sampled = np.empty(n, np.uint8)
    cdef uint64_t wanted = size, bits
    cdef ptrdiff_t i
    for i in range(n):
        bits = random_bits(seed, stream, i) >> 32
        sampled[i] = bits * <uint64_t> (n - i) < wanted << 32
        wanted -= sampled[i]
    return np.asarray(sampled)


cdef void grow_together(const Problem *problem, Growth *g, int thread, int32_t *leaf_of_out) noexcept nogil:
    """Every thread of the team that OpenMP gave comes here; it may be smaller than asked for."""
    if fastml_barrier_arrive(&g.barrier, fastml_team_size()):
        g.team = fastml_team_size()
        grow_start(problem, g)
        fastml_barrier_open(&g.barrier)
    grow_tree(problem, g, thread, leaf_of_out)


cdef tuple finished_tree(const Problem *problem, Growth *g):
    """(nodes, gain, cover, categories) of the tree just grown, as arrays of their own."""
    cdef int n = g.n_nodes, i, row = 0, n_categorical = 0
    if g.failed:
        raise MemoryError("no memory left for the histograms of a tree: lower max_leaves, max_depth or max_bin")
    nodes = np.empty(n, NODE)
    gain = np.zeros(n, np.float32)
    cover = np.empty(n, np.float32)
    cdef Node[::1] nodes_view = nodes
    cdef float[::1] gain_view = gain
    cdef float[::1] cover_view = cover
    for i in range(n):
        if g.nodes[i].left != 0 and (g.nodes[i].feature >> CATEGORICAL_BIT) & 1:
            g.nodes[i].value = n_categorical
            n_categorical += 1
        cover_view[i] = <float> (hessian_sum(g.growing[i].total) / g.scale.h)
        if g.nodes[i].left != 0:
            gain_view[i] = <float> min(g.growing[i].split.gain, <double> FLT_MAX)
    memcpy(&nodes_view[0], g.nodes, n * sizeof(Node))
    if n_categorical == 0:
        return nodes, gain, cover, None
    categories = np.empty((n_categorical, 8), np.uint32)
    cdef uint32_t[:, ::1] categories_view = categories
    for i in range(n):
        if g.nodes[i].left != 0 and (g.nodes[i].feature >> CATEGORICAL_BIT) & 1:
            memcpy(&categories_view[row, 0], &g.growing[i].split.categories, 32)
            row += 1
    return nodes, gain, cover, categories


cdef void set_bundles(
    Problem *problem, const uint16_t[:, ::1] by_row, const int32_t[::1] start, const int32_t[::1] of_column,
    const uint8_t[:, ::1] codes,
) except *:
    """Count by bundles in nodes where that saves more updates than it takes to spread their cells."""
    cdef Bundles *out = &problem.bundles
    cdef int j, spread = 0
    out.n = start.shape[0] - 1
    if not 0 < out.n < problem.n_features:
        raise ValueError(f"there must be fewer bundles than columns, got {out.n} of {problem.n_features}")
    out.by_row = &by_row[0, 0]
    out.row_stride = by_row.shape[1]
    out.start = &start[0]
    out.of_column = &of_column[0]
    out.codes = &codes[0, 0]
    out.codes_stride = codes.shape[1]
    for j in range(problem.n_features):
        spread += start[of_column[j] + 1] - start[of_column[j]]
    out.least_rows = spread // (problem.n_features - out.n)


cdef void set_room(Problem *problem) except *:
    """Where gradients of 32 bits may be written: the last bytes of each row."""
    cdef ptrdiff_t used = problem.n_features
    cdef const uint8_t *rows = problem.by_row
    problem.row_bytes = problem.row_stride
    if problem.bundles.n > 0:
        used = 2 * problem.bundles.n
        rows = <const uint8_t *> problem.bundles.by_row
        problem.row_bytes = 2 * problem.bundles.row_stride
    if problem.row_bytes - used < 4 or problem.row_bytes % 4 != 0:
        raise ValueError(f"rows of {problem.row_bytes} bytes with {used} bytes of codes have no room for a gradient")
    problem.narrow = <uint8_t *> rows + problem.row_bytes - 4
