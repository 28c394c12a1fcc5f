"""Density clustering of points in any number of dimensions, by any metric, in blocks of a kd-tree.

Which points are core is found by counting those within eps, nearest blocks first, until there are min_samples. Core
points within eps of each other are joined, block by block; blocks that are whole in one cluster already are passed by.
No list of neighbours is kept. Limit: simd/blocks.inl.
"""

cimport numpy as cnp
from cython.parallel cimport parallel, prange
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from kernels.distances cimport (
    FASTML_BRAYCURTIS,
    FASTML_CANBERRA,
    FASTML_CHEBYSHEV,
    FASTML_EUCLIDEAN,
    FASTML_HAMMING,
    FASTML_HAVERSINE,
    FASTML_MAHALANOBIS,
    FASTML_MANHATTAN,
    FASTML_MINKOWSKI,
    FASTML_N_BOXED,
    FASTML_OWN,
    FASTML_SEUCLIDEAN,
)
from kernels.median_split cimport order_by_medians
from kernels.metric_of cimport read_metric
from simd.density cimport (
    FASTML_BOX_PAD,
    FASTML_COSINE,
    FASTML_POINTS,
    fastml_blocks,
    fastml_density_kernels,
    fastml_density_kernels_chosen,
    fastml_near_block,
    fastml_root,
)

import numpy as np

cnp.import_array()

KINDS = {
    "euclidean": FASTML_EUCLIDEAN, "manhattan": FASTML_MANHATTAN, "chebyshev": FASTML_CHEBYSHEV,
    "minkowski": FASTML_MINKOWSKI, "seuclidean": FASTML_SEUCLIDEAN, "mahalanobis": FASTML_MAHALANOBIS,
    "haversine": FASTML_HAVERSINE, "hamming": FASTML_HAMMING, "canberra": FASTML_CANBERRA,
    "braycurtis": FASTML_BRAYCURTIS, "own": FASTML_OWN,
}
NORMS = {"euclidean": FASTML_EUCLIDEAN, "manhattan": FASTML_MANHATTAN, "chebyshev": FASTML_CHEBYSHEV}

cdef enum:
    CORE = 1                # of the states in block_steps.inl
    FIND, WITHIN, BETWEEN, BORDERS


cdef class BlockClusters:
    """Points in blocks; see block_clusters.pyi."""

    cdef readonly Py_ssize_t n_samples, n_blocks
    cdef fastml_blocks blocks
    cdef const fastml_density_kernels *simd
    cdef int32_t[::1] order         # (n,) the rows in the order of the leaves
    cdef uint8_t[::1] state         # (n,) in that order, as all below
    cdef float[:, :, ::1] columns
    cdef float[:, :, ::1] boxes
    cdef int32_t[::1] node, parent, labels
    cdef uint64_t[::1] cores
    cdef uint8_t[::1] is_whole
    cdef double[::1] weight
    cdef object rows, metric, keeps
    cdef int n_threads
    cdef bint numbered

    def __cinit__(self):
        self.order = self.parent = self.labels = self.node = None
        self.state = self.is_whole = None
        self.cores = None
        self.weight = None

    def __init__(
        self, rows, const float[:, ::1] filter_points, metric, double limit, double min_samples, *,
        str norm="euclidean", float sure=-1.0, float never=0.0, const double[::1] sample_weight=None, keeps=None,
        int n_threads=1,
    ):
        cdef Py_ssize_t n = filter_points.shape[0], i
        if not isinstance(rows, np.ndarray) or rows.ndim != 2 or not rows.flags.c_contiguous or not rows.flags.aligned \
                or rows.dtype not in (np.float32, np.float64) or not rows.dtype.isnative:
            raise ValueError("rows must be a C-ordered array of float32 or float64")
        if not 1 <= n < 2147483647 or len(rows) != n or filter_points.shape[1] > 1 << 24 \
                or (sample_weight is not None and sample_weight.shape[0] != n):
            raise ValueError("rows, filter_points and sample_weight must have one number of rows, 1 to 2^31 - 2")
        if norm not in NORMS:
            raise ValueError(f"norm must be one of {sorted(NORMS)}")
        self.simd = fastml_density_kernels_chosen()
        memset(&self.blocks, 0, sizeof(self.blocks))
        self.n_samples = n
        self.n_blocks = (n + FASTML_POINTS - 1) // FASTML_POINTS
        self.n_threads = max(n_threads, 1)
        self.rows, self.metric, self.keeps = rows, metric, keeps
        self.blocks.n = n
        self.blocks.n_blocks = self.n_blocks
        self.blocks.n_dims = <int> filter_points.shape[1]
        self.blocks.norm = NORMS[norm]
        self.blocks.sure = sure
        self.blocks.never = never
        self.blocks.limit = limit
        self.blocks.n_features = rows.shape[1]
        if rows.dtype == np.float64:
            self.blocks.rows64 = <const double *> cnp.PyArray_DATA(rows)
        else:
            self.blocks.rows32 = <const float *> cnp.PyArray_DATA(rows)
        self.set_metric(metric)
        self.blocks.min_samples = min_samples
        self.blocks.early = 1
        self.order_points(filter_points)
        if sample_weight is not None:
            self.weight = np.empty(n)
            for i in range(n):
                self.weight[i] = sample_weight[self.order[i]]
                if not self.weight[i] >= 0:
                    self.blocks.early = 0
            self.blocks.weight = &self.weight[0]
        self.state = np.zeros(n, np.uint8)

    cdef int set_metric(self, metric) except -1:
        cdef Py_ssize_t d = self.blocks.n_features, wanted
        cdef int kind
        if metric == "cosine":
            kind = self.blocks.metric.kind = FASTML_COSINE
        else:
            kind, _, weight, address = metric
            read_metric(metric, &self.blocks.metric)
            wanted = d * d if kind == FASTML_MAHALANOBIS else d
            if weight is not None and weight.size != wanted:
                raise ValueError(f"a metric's weight must have {wanted} numbers")
            if (kind in (FASTML_SEUCLIDEAN, FASTML_MAHALANOBIS) and weight is None) \
                    or (kind == FASTML_OWN and not address):
                raise ValueError("the metric lacks its weight or its address")
        if kind == FASTML_HAVERSINE and d != 2:
            raise ValueError("haversine takes two columns")
        if kind >= FASTML_N_BOXED and self.blocks.rows64 == NULL:
            raise ValueError("this metric takes rows of float64")
        return 0

    cdef int order_points(self, const float[:, ::1] points) except -1:
        cdef Py_ssize_t n = self.n_samples, b, k, m
        cdef int d = self.blocks.n_dims, stride = (d + FASTML_BOX_PAD - 1) // FASTML_BOX_PAD * FASTML_BOX_PAD, j
        cdef float[::1] key
        cdef float x, low, high
        self.order = np.arange(n, dtype=np.int32)
        if d > 0 and n > FASTML_POINTS:
            key = np.empty(n, np.float32)
            with nogil:
                order_by_medians(&points[0, 0], d, d, &self.order[0], &key[0], n, FASTML_POINTS)
        self.columns = np.empty((self.n_blocks, d, FASTML_POINTS), np.float32)
        self.boxes = np.zeros((2 * self.n_blocks, 2, stride), np.float32)
        self.node = np.empty(self.n_blocks, np.int32)
        self.number_nodes()
        for b in prange(self.n_blocks, nogil=True, num_threads=self.n_threads, schedule="static"):
            m = min(<Py_ssize_t> FASTML_POINTS, n - b * FASTML_POINTS)
            for j in range(d):
                low = high = points[self.order[b * FASTML_POINTS], j]
                for k in range(FASTML_POINTS):
                    x = points[self.order[b * FASTML_POINTS + min(k, m - 1)], j]
                    low = min(low, x)
                    high = max(high, x)
                    self.columns[b, j, k] = x
                self.boxes[self.node[b], 0, j] = low
                self.boxes[self.node[b], 1, j] = high
        self.join_boxes()
        self.blocks.box_stride = stride
        self.blocks.order = &self.order[0]
        self.blocks.columns = &self.columns[0, 0, 0] if d else NULL
        self.blocks.boxes = &self.boxes[0, 0, 0] if d else NULL
        self.blocks.node = &self.node[0]
        return 0

    cdef int number_nodes(self) except -1:
        """The node of each block, in preorder; see density.h."""
        cdef int64_t[::1] at = np.zeros(80, np.int64), first = np.zeros(80, np.int64), size = np.zeros(80, np.int64)
        cdef int64_t node, begin, m, left
        cdef int depth = 1
        size[0] = self.n_blocks
        while depth:
            depth -= 1
            node, begin, m = at[depth], first[depth], size[depth]
            if m == 1:
                self.node[begin] = <int32_t> node
                continue
            left = (m + 1) // 2
            at[depth], first[depth], size[depth] = node + 2 * left, begin + left, m - left
            at[depth + 1], first[depth + 1], size[depth + 1] = node + 1, begin, left
            depth += 2
        return 0

    cdef int join_boxes(self) except -1:
        """Boxes of inner nodes from those of their children, which come after them."""
        cdef Py_ssize_t n_nodes = 2 * self.n_blocks - 1, i, right
        cdef int j, d = self.blocks.n_dims
        cdef int32_t[::1] blocks_in = np.zeros(n_nodes + 1, np.int32)
        for i in range(self.n_blocks):
            blocks_in[self.node[i]] = 1
        for i in range(n_nodes - 1, -1, -1):
            if blocks_in[i]:
                continue
            right = i + 2 * blocks_in[i + 1]  # behind the left child's 2 m - 1 nodes
            blocks_in[i] = blocks_in[i + 1] + blocks_in[right]
            for j in range(d):
                self.boxes[i, 0, j] = min(self.boxes[i + 1, 0, j], self.boxes[right, 0, j])
                self.boxes[i, 1, j] = max(self.boxes[i + 1, 1, j], self.boxes[right, 1, j])
        return 0

    cdef int run(self, int step, Py_ssize_t first, Py_ssize_t last) except -1:
        """One step for some blocks, each by one thread."""
        cdef Py_ssize_t b
        cdef fastml_near_block *scratch = NULL
        cdef float *row = NULL
        cdef bint failed = False
        cdef const uint64_t *cores = &self.cores[0] if self.cores is not None else NULL
        if not 0 <= first <= last <= self.n_blocks:
            raise ValueError(f"blocks {first} to {last} are not within {self.n_blocks}")
        if self.state is None or (step != FIND and self.cores is None) or (step == BORDERS and not self.numbered):
            raise ValueError("find_cores, keep_cores, join_within, join_blocks, number_clusters, reach_borders")
        with nogil, parallel(num_threads=self.n_threads):
            scratch = <fastml_near_block *> malloc((self.n_blocks + 1) * sizeof(fastml_near_block))
            row = <float *> calloc(self.blocks.box_stride + FASTML_BOX_PAD, sizeof(float))
            for b in prange(first, last, schedule="dynamic"):
                if scratch == NULL or row == NULL:
                    failed = True
                    continue
                if step == FIND:
                    self.simd.find_block_cores(&self.blocks, b, b + 1, scratch, row, &self.state[0])
                elif step == WITHIN:
                    self.simd.join_within_blocks(&self.blocks, cores, b, b + 1, row, &self.parent[0],
                                                 &self.is_whole[0])
                elif step == BETWEEN:
                    self.simd.join_blocks(&self.blocks, cores, b, b + 1, scratch, row, &self.parent[0],
                                          &self.is_whole[0])
                else:
                    self.simd.reach_block_borders(&self.blocks, cores, &self.state[0], &self.is_whole[0], b, b + 1,
                                                  scratch, row, &self.labels[0])
            free(scratch)
            free(row)
        if failed:
            raise MemoryError
        return 0

    def find_cores(self, Py_ssize_t first, Py_ssize_t last):
        """Which points of some blocks are core; see block_clusters.pyi."""
        self.run(FIND, first, last)

    def keep_cores(self):
        """How many core points there are. Once find_cores has seen all blocks."""
        cdef Py_ssize_t i, n_core = 0
        if self.state is None:
            raise ValueError("find_cores comes first")
        self.cores = np.zeros(self.n_blocks, np.uint64)
        self.is_whole = np.zeros(self.n_blocks, np.uint8)
        self.parent = np.arange(self.n_samples, dtype=np.int32)
        for i in range(self.n_samples):
            if self.state[i] == CORE:
                self.cores[i // FASTML_POINTS] |= (<uint64_t> 1) << (i % FASTML_POINTS)
                n_core += 1
        return n_core

    def join_within(self, Py_ssize_t first, Py_ssize_t last):
        """Joins core points of the same block; see block_clusters.pyi."""
        self.run(WITHIN, first, last)

    def join_blocks(self, Py_ssize_t first, Py_ssize_t last):
        """Joins some blocks with those behind them; see block_clusters.pyi."""
        self.run(BETWEEN, first, last)

    def number_clusters(self):
        """Numbers clusters by their first core point; how many there are. Once join_blocks has seen all blocks."""
        cdef Py_ssize_t i
        cdef int32_t root
        if self.cores is None:
            raise ValueError("keep_cores comes first")
        cdef int32_t[::1] first_of = np.full(self.n_samples, 2147483647, np.int32)
        with nogil:
            for i in range(self.n_samples):
                if self.state[i] == CORE:
                    root = fastml_root(&self.parent[0], <int32_t> i)
                    first_of[root] = min(first_of[root], self.order[i])
        firsts = np.asarray(first_of)
        roots = np.flatnonzero(firsts < self.n_samples)
        roots = roots[np.argsort(firsts[roots])]
        cdef const int64_t[::1] ranked = np.ascontiguousarray(roots, np.int64)
        self.labels = np.full(self.n_samples, -1, np.int32)
        for i in range(ranked.shape[0]):
            first_of[ranked[i]] = <int32_t> i
        for i in range(self.n_samples):
            if self.state[i] == CORE:
                self.labels[i] = first_of[fastml_root(&self.parent[0], <int32_t> i)]
        self.numbered = True
        return ranked.shape[0]

    def reach_borders(self, Py_ssize_t first, Py_ssize_t last):
        """Labels points of some blocks that are not core; see block_clusters.pyi."""
        self.run(BORDERS, first, last)

    def results(self):
        """(labels, is_core) of the rows as they came."""
        cdef Py_ssize_t i
        cdef cnp.intp_t[::1] labels = np.empty(self.n_samples, np.intp)
        cdef uint8_t[::1] is_core = np.empty(self.n_samples, np.uint8)
        if not self.numbered:
            raise ValueError("number_clusters comes first")
        for i in range(self.n_samples):
            labels[self.order[i]] = self.labels[i]
            is_core[self.order[i]] = self.state[i] == CORE
        return np.asarray(labels), np.asarray(is_core).view(bool)
