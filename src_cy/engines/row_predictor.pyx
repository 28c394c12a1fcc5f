"""Rows through trees by the float thresholds: a few rows, rows that have no codes, or one row at once.

Values become integers in the order of the floats (`order_key`), with missing below or above all of them, so that a
step is one comparison without a branch; a leaf leads to itself, and eight lanes (rows of one tree, or trees of one
row) step together to hide the latency of their loads. Leaf values are added in float64 in the order of the trees.

The limit for one row: a step of a lane is two dependent loads and a comparison, 13 cycles; eight lanes overlap, so
100 trees of depth 6 need about 1,400 cycles. Measured from Python: 2.0 us for an array, 2.2 us for a list of 11
numbers, of which 0.25 us are the call.
"""

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cython.parallel cimport parallel, prange
from libc.math cimport NAN, exp
from libc.stdint cimport INT64_MIN, int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from kernels.forest_layout cimport (
    CATEGORICAL_BIT, FEATURE_BITS, MISSING_LEFT_BIT, WalkNode, check_forest, nodes_of, own_sets, walk_leaf,
)
from kernels.tree_walk cimport LANES, category_keys, number_keys, order_key, walk_keys
from types cimport Node

cnp.import_array()

cdef enum:
    BLOCK = 64            # rows whose keys are made together
    KEYS_ON_STACK = 1024  # 512 used columns in 8 kB; more are allocated for the call
    FEW_ROWS = LANES // 2  # below, lanes are trees of one row


cdef class RowForest:
    """Trees ready to walk by float thresholds.

    nodes, tree_start, categories : as in fastml.tree.structure.Forest.
    category_codes : for each column None or the code of each level, (n_levels,) uint8. A categorical column of X
        holds level numbers; without category_codes it holds codes (1 and up). Anything else counts as missing.
    """

    cdef readonly int n_outputs
    cdef readonly Py_ssize_t n_trees, n_features, n_slots
    cdef object _walk, _sets, _leaf, _start, _columns, _codes, _level_start
    cdef const WalkNode *walk
    cdef const uint32_t *sets
    cdef const double *leaf      # (n_nodes,) value of each leaf
    cdef const int64_t *start    # (n_trees + 1,)
    cdef const int64_t *columns  # (n_slots,) feature of each slot; -1 - feature where it is categorical
    cdef const uint8_t *codes        # codes of all levels, used column after used column; NULL: values are codes
    cdef const int64_t *level_start  # (n_slots + 1,)
    cdef bint has_sets

    def __init__(self, nodes, tree_start, categories, int n_outputs, Py_ssize_t n_features, category_codes=None):
        cdef const int64_t[::1] start = np.ascontiguousarray(tree_start, dtype=np.int64)
        cdef Py_ssize_t t, g
        cdef const Node *node
        cdef WalkNode *out
        cdef const int64_t[::1] slot_of
        if n_outputs < 1:
            raise ValueError(f"n_outputs={n_outputs} must be 1 or more")
        check_forest(nodes, start, len(categories), n_features)
        self.n_outputs, self.n_trees, self.n_features = n_outputs, start.shape[0] - 1, n_features
        split = nodes[nodes["left"] != 0]["feature"]
        is_set = (split >> CATEGORICAL_BIT & 1).astype(np.int64)
        used, first = np.unique((split & FEATURE_BITS).astype(np.int64), return_index=True)
        self.n_slots = len(used)
        self._columns = np.where(is_set[first], -1 - used, used)
        if np.any((self._columns[np.searchsorted(used, (split & FEATURE_BITS).astype(np.int64))] < 0) != is_set):
            raise ValueError("a column is categorical in one split and a number in another: the arrays are damaged")
        self.has_sets = bool(is_set.any())
        slots = np.zeros(n_features + 1, np.int64)
        slots[used] = np.arange(len(used))
        slot_of = slots
        self._sets = own_sets(nodes, categories)
        self._leaf = np.ascontiguousarray(nodes["value"])
        self._start = np.asarray(start)
        self._walk = np.empty((len(nodes) + 1) * sizeof(WalkNode) // 8, np.int64)
        out = <WalkNode *>cnp.PyArray_DATA(self._walk)
        for t in range(self.n_trees):
            for g in range(start[t], start[t + 1]):
                node = nodes_of(nodes) + g
                if node.left == 0:
                    walk_leaf(&out[g], <int32_t>g)
                    continue
                out[g].left = <int32_t>(start[t] + node.left)
                out[g].slot = <uint32_t>(2 * slot_of[node.feature & FEATURE_BITS])
                out[g].slot += 1 - (node.feature >> MISSING_LEFT_BIT)
                if node.feature >> CATEGORICAL_BIT & 1:
                    out[g].slot |= <uint32_t>1 << 31
                    out[g].threshold = <int64_t>node.value
                else:
                    out[g].threshold = INT64_MIN if node.value != node.value else order_key(node.value)
        self.walk = out
        self.sets = <const uint32_t *>cnp.PyArray_DATA(self._sets)
        self.leaf = <const double *>cnp.PyArray_DATA(self._leaf)
        self.start = <const int64_t *>cnp.PyArray_DATA(self._start)
        self.columns = <const int64_t *>cnp.PyArray_DATA(self._columns)
        if category_codes is not None and self.has_sets:
            levels = [np.asarray(category_codes[-1 - c] if c < 0 else (), dtype=np.uint8) for c in self._columns]
            self._level_start = np.cumsum([0, *map(len, levels)], dtype=np.int64)
            self._codes = np.concatenate(levels)
            self.level_start = <const int64_t *>cnp.PyArray_DATA(self._level_start)
            self.codes = <const uint8_t *>cnp.PyArray_DATA(self._codes)

    def add_rows(self, X, double[:, :] raw_inout, Py_ssize_t tree_begin=0, tree_end=None, int n_threads=1):
        """raw_inout[t % n_outputs, i] += leaf value of row i in tree t, for the trees of the range, in order.

        X : (n, n_features) float32 or float64, any strides. raw_inout : (n_outputs, n) float64.
        O(n * trees * depth); about 2 ns a row and node from the cache.
        """
        cdef Py_ssize_t stop = self._checked(X, tree_begin, tree_end)
        if raw_inout.shape[0] != self.n_outputs or raw_inout.shape[1] != X.shape[0]:
            raise ValueError(f"raw_inout must have shape ({self.n_outputs}, {X.shape[0]})")
        self._run(X, &raw_inout[0, 0] if raw_inout.size else NULL, raw_inout.strides[0] // 8, raw_inout.strides[1] // 8,
                  NULL, tree_begin, stop, n_threads)

    def leaf_rows(self, X, Py_ssize_t tree_begin=0, tree_end=None, int n_threads=1):
        """Index of each row's leaf among its tree's nodes: (n, trees of the range) int32."""
        cdef Py_ssize_t stop = self._checked(X, tree_begin, tree_end)
        cdef int32_t[:, ::1] out = np.empty((X.shape[0], stop - tree_begin), np.int32)
        if out.size:
            self._run(X, NULL, 0, 0, &out[0, 0], tree_begin, stop, n_threads)
        return np.asarray(out)

    cdef Py_ssize_t _checked(self, X, Py_ssize_t tree_begin, tree_end) except -1:
        cdef Py_ssize_t stop = self.n_trees if tree_end is None else tree_end
        if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype not in (np.float32, np.float64) \
                or not X.dtype.isnative or not X.flags.aligned or X.shape[1] != self.n_features:
            raise ValueError(f"X must be an aligned float32 or float64 array of shape (n, {self.n_features})")
        if not 0 <= tree_begin <= stop <= self.n_trees:
            raise ValueError(f"trees {tree_begin} to {stop} are not within the forest's {self.n_trees}")
        return stop

    cdef int _run(
        self, object X, double *raw, Py_ssize_t raw_output, Py_ssize_t raw_row, int32_t *leaf_out,
        Py_ssize_t begin, Py_ssize_t end, int n_threads,
    ) except -1:
        cdef const char *data = <const char *>cnp.PyArray_DATA(<cnp.ndarray>X)
        cdef Py_ssize_t row_stride = X.strides[0], column_stride = X.strides[1], n = X.shape[0]
        cdef bint single = X.dtype == np.float32
        cdef Py_ssize_t block, size = BLOCK if self.n_slots <= 256 else LANES, i, rows, stride = 2 * self.n_slots + 2
        cdef int64_t *keys = NULL
        cdef bint failed = False
        with nogil, parallel(num_threads=max(n_threads, 1)):
            keys = <int64_t *>malloc(size * stride * sizeof(int64_t))
            for block in prange((n + size - 1) // size, schedule="static"):
                if keys == NULL:
                    failed = True
                    continue
                rows = min(size, n - block * size)
                # Lanes are filled up with the last row: each must read something.
                for i in range((rows + LANES - 1) // LANES * LANES if rows >= FEW_ROWS else rows):
                    self.make_keys(data + (block * size + min(i, rows - 1)) * row_stride, column_stride, single,
                                   keys + i * stride)
                self.walk_block(keys, stride, rows, begin, end,
                                raw + block * size * raw_row, raw_output, raw_row,
                                leaf_out + block * size * (end - begin) if leaf_out != NULL else NULL)
            free(keys)
        if failed:
            raise MemoryError
        return 0

    cdef inline void make_keys(
        self, const char *row, Py_ssize_t column_stride, bint single, int64_t *keys_out
    ) noexcept nogil:
        cdef Py_ssize_t s
        cdef int64_t column
        cdef double value
        cdef const char *cell
        keys_out[0] = 0
        for s in range(self.n_slots):
            column = self.columns[s]
            cell = row + (column if column >= 0 else -1 - column) * column_stride
            value = (<const float *>cell)[0] if single else (<const double *>cell)[0]
            self.make_key(s, value, keys_out + 2 * s)

    cdef inline void make_key(self, Py_ssize_t slot, double value, int64_t *keys_out) noexcept nogil:
        cdef int64_t begin
        if self.columns[slot] >= 0:
            number_keys(value, keys_out)
        elif self.codes == NULL:
            category_keys(value, keys_out)
        else:
            begin = self.level_start[slot]
            if 0.0 <= value < <double>(self.level_start[slot + 1] - begin):
                keys_out[0] = keys_out[1] = self.codes[begin + <int64_t>value]
            else:
                keys_out[0] = keys_out[1] = 0

    cdef inline void walk_block(
        self, const int64_t *keys, Py_ssize_t stride, Py_ssize_t n_rows, Py_ssize_t begin, Py_ssize_t end,
        double *raw, Py_ssize_t raw_output, Py_ssize_t raw_row, int32_t *leaf_out,
    ) noexcept nogil:
        """Lanes are rows where there are several, else trees."""
        cdef Py_ssize_t t, i, j, r
        cdef int32_t at[LANES]
        if n_rows < FEW_ROWS:
            for i in range(n_rows):
                for t in range(begin, end, 8):  # LANES
                    for j in range(LANES):
                        at[j] = <int32_t>self.start[min(t + j, end - 1)]
                    walk_keys(self.walk, self.sets, self.has_sets, keys + i * stride, 0, at)
                    for j in range(min(<Py_ssize_t>LANES, end - t)):
                        if leaf_out != NULL:
                            leaf_out[i * (end - begin) + t + j - begin] = at[j] - <int32_t>self.start[t + j]
                        else:
                            raw[(t + j) % self.n_outputs * raw_output + i * raw_row] += self.leaf[at[j]]
            return
        for t in range(begin, end):
            for i in range(0, n_rows, 8):  # LANES
                for j in range(LANES):
                    at[j] = <int32_t>self.start[t]
                walk_keys(self.walk, self.sets, self.has_sets, keys + i * stride, stride, at)
                for j in range(min(<Py_ssize_t>LANES, n_rows - i)):
                    r = i + j
                    if leaf_out != NULL:
                        leaf_out[r * (end - begin) + t - begin] = at[j] - <int32_t>self.start[t]
                    else:
                        raw[t % self.n_outputs * raw_output + r * raw_row] += self.leaf[at[j]]


cdef enum Link:
    IDENTITY, SIGMOID, SOFTMAX

LINKS = {"identity": IDENTITY, "sigmoid": SIGMOID, "softmax": SOFTMAX}


cdef inline void sigmoid(double *values, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        values[i] = 1.0 / (1.0 + exp(-values[i]))


cdef inline void softmax(double *values, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef double top = values[0], total = 0.0
    for i in range(1, n):
        top = max(top, values[i])
    for i in range(n):
        values[i] = exp(values[i] - top)
        total += values[i]
    for i in range(n):
        values[i] /= total


@cython.final
cdef class RowPredictor(RowForest):
    """A frozen callable for one row, or few: no validation but of the length, no threads, no scratch that calls share.

    `predictor(row)` gives link(base + sum of leaf values): a float, or (n_outputs,) float64. row: a list, a tuple or
    a 1-D array of n_features numbers, NaN or None missing; float32 and float64 arrays are read in place. A 2-D array
    of rows gives an array of results.

    base : (n_outputs,) float64, the base score.
    link : "identity", "sigmoid" or "softmax" (over the outputs).
    The other parameters are RowForest's.
    """

    cdef Link link
    cdef object _base
    cdef const double *base

    def __init__(self, nodes, tree_start, categories, int n_outputs, Py_ssize_t n_features, category_codes=None,
                 base=0.0, str link="identity"):
        RowForest.__init__(self, nodes, tree_start, categories, n_outputs, n_features, category_codes)
        if link not in LINKS:
            raise ValueError(f"link={link!r} is unknown: choose one of {', '.join(LINKS)}")
        self.link = LINKS[link]
        self._base = np.array(np.broadcast_to(np.asarray(base, np.float64), (n_outputs,)))
        self.base = <const double *>cnp.PyArray_DATA(self._base)

    def __call__(self, row):
        return self._predict(row, self.link)

    def raw(self, row):
        """base + sum of leaf values, without the link."""
        return self._predict(row, IDENTITY)

    cdef object _predict(self, object row, Link link):
        cdef int64_t on_stack[KEYS_ON_STACK]
        cdef int64_t *keys = on_stack
        if isinstance(row, np.ndarray) and row.ndim == 2:
            return np.array([self._predict(one, link) for one in row])
        if 2 * self.n_slots + 2 > KEYS_ON_STACK:
            keys = <int64_t *>malloc((2 * self.n_slots + 2) * sizeof(int64_t))
            if keys == NULL:
                raise MemoryError
        try:
            self._read(row, keys)
            return self._sum(keys, link)
        finally:
            if keys != on_stack:
                free(keys)

    cdef int _read(self, object row, int64_t *keys_out) except -1:
        """Keys of the used columns of a row."""
        cdef Py_ssize_t s, n
        cdef int64_t column
        cdef double value
        cdef object cell
        cdef int kind
        if cnp.PyArray_Check(row):
            kind = cnp.PyArray_TYPE(<cnp.ndarray>row)
            if (kind != cnp.NPY_FLOAT64 and kind != cnp.NPY_FLOAT32) or not cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray>row):
                row = np.asarray(row, dtype=np.float64)
                kind = cnp.NPY_FLOAT64
            n = cnp.PyArray_DIM(<cnp.ndarray>row, 0) if cnp.PyArray_NDIM(<cnp.ndarray>row) == 1 else -1
            if n == self.n_features:
                self.make_keys(<const char *>cnp.PyArray_DATA(<cnp.ndarray>row),
                               cnp.PyArray_STRIDE(<cnp.ndarray>row, 0), kind == cnp.NPY_FLOAT32, keys_out)
        else:
            row = tuple(row)  # a list could change under us in another thread
            n = PyTuple_GET_SIZE(row)
            keys_out[0] = 0
            for s in range(self.n_slots if n == self.n_features else 0):
                column = self.columns[s]
                cell = <object>PyTuple_GET_ITEM(row, column if column >= 0 else -1 - column)
                if PyFloat_CheckExact(cell):
                    value = PyFloat_AS_DOUBLE(cell)
                else:
                    value = NAN if cell is None else cell
                self.make_key(s, value, keys_out + 2 * s)
        if n != self.n_features:
            raise ValueError(f"row has {n if n >= 0 else 'more than one dimension of'} values; the model was fitted on "
                             f"n_features={self.n_features}")
        return 0

    cdef object _sum(self, const int64_t *keys, Link link):
        cdef cnp.npy_intp k = self.n_outputs
        cdef double one
        cdef double *sums = &one
        cdef object result = None
        if k > 1:
            result = cnp.PyArray_SimpleNew(1, &k, cnp.NPY_FLOAT64)
            sums = <double *>cnp.PyArray_DATA(<cnp.ndarray>result)
        memcpy(sums, self.base, k * sizeof(double))
        self.walk_block(keys, 0, 1, 0, self.n_trees, sums, 1, 0, NULL)
        if link == SIGMOID:
            sigmoid(sums, k)
        elif link == SOFTMAX:
            softmax(sums, k)
        return one if k == 1 else result
