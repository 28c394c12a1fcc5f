"""Grows multiway trees (ID3, C4.5, CHAID) from contingency tables, and leads rows through them.

Limit: a node reads each row's weight, target and code once a column, 17 bytes from anywhere in the cache. One thread:
what a table costs is below what threads cost on the nodes that these trees have.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport calloc, free, malloc

from kernels.multiway_gain cimport TABLE_RANKS
from kernels.multiway_growth cimport grow_node, start_tree
from kernels.multiway_nodes cimport C45, CHAID, ID3, NOMINAL, NUMBER, ORDINAL, Column, Options, TreeNode
from kernels.multiway_tails cimport log_chi2_tail, log_f_tail, log_partitions
from kernels.multiway_walk cimport Frozen, Rows, Share, add_shares, last_node
from kernels.multiway_work cimport Problem, Work, work_free, work_init

import numpy as np

METHODS = {"id3": <int> ID3, "c4.5": <int> C45, "chaid": <int> CHAID}
KINDS = {"nominal": <int> NOMINAL, "ordinal": <int> ORDINAL, "number": <int> NUMBER}

cdef enum:
    ROWS_A_CHECK = 1 << 16          # between looks for Ctrl-C


cdef class MultiwayGrower:
    """Trees on one set of coded columns; see multiway_grower.pyi."""

    cdef list held
    cdef Problem p

    def __cinit__(self, codes, kinds, n_levels, values):
        cdef ptrdiff_t j
        cdef const uint8_t[::1] c8
        cdef const uint16_t[::1] c16
        cdef const int32_t[::1] c32
        cdef const double[::1] x
        cdef size_t address
        self.p.n_features = len(codes)
        self.p.n_samples = len(codes[0])
        self.held = []
        self.p.most_levels = 1
        self.p.columns = <Column *> calloc(self.p.n_features, sizeof(Column))
        if self.p.columns == NULL:
            raise MemoryError
        for j in range(self.p.n_features):
            own = np.ascontiguousarray(codes[j])
            if own.dtype == np.uint8:
                c8 = own
                address = <size_t> &c8[0]
            elif own.dtype == np.uint16:
                c16 = own
                address = <size_t> &c16[0]
            else:
                own = own.astype(np.int32, copy=False)
                c32 = own
                address = <size_t> &c32[0]
            if len(own) != self.p.n_samples or own.min() < 0 or own.max() > n_levels[j]:
                raise ValueError(f"codes[{j}] must hold {self.p.n_samples} codes in [0, {n_levels[j]}]")
            self.held.append(own)
            self.p.columns[j].codes = <const void *> address
            self.p.columns[j].width = own.itemsize
            self.p.columns[j].n_levels = n_levels[j]
            self.p.columns[j].kind = KINDS[kinds[j]]
            self.p.columns[j].values = NULL
            if values[j] is not None and len(values[j]):
                x = np.ascontiguousarray(values[j], dtype=np.float64)
                self.held.append(x)
                self.p.columns[j].values = &x[0]
            if kinds[j] != "number" or n_levels[j] <= TABLE_RANKS:
                self.p.most_levels = max(self.p.most_levels, self.p.columns[j].n_levels)

    def __dealloc__(self):
        free(self.p.columns)

    def grow(
        self, method, options, const int32_t[::1] label=None, int n_classes=0, const double[::1] y=None,
        const double[::1] weight=None,
    ):
        """One tree; see multiway_grower.pyi."""
        cdef Work w
        cdef int rc = 0
        set_options(&self.p.o, METHODS[method], dict(options))
        self.p.target.label = NULL if label is None else &label[0]
        self.p.target.y = NULL if y is None else &y[0]
        self.p.target.width = 3 if label is None else n_classes
        if (y.shape[0] if label is None else label.shape[0]) != self.p.n_samples:
            raise ValueError("one target a row is needed")
        try:
            if work_init(&self.p, &w) < 0 or start_tree(&self.p, &w, NULL if weight is None else &weight[0]) < 0:
                raise MemoryError
            while w.n_stack > 0:
                with nogil:
                    w.rows_done = 0
                    while rc == 0 and w.n_stack > 0 and w.rows_done < ROWS_A_CHECK:
                        rc = grow_node(&self.p, &w)
                if rc < 0:
                    raise MemoryError
                PyErr_CheckSignals()
            return frozen(&self.p, &w)
        finally:
            work_free(&w)


cdef dict frozen(const Problem *p, const Work *w):
    """The tree as arrays, children after their parent."""
    cdef ptrdiff_t n = w.tree.n, i, k
    cdef int width = p.target.width
    cdef const TreeNode *node
    names = {"parent": np.int32, "feature": np.int32, "first_child": np.int32, "n_children": np.int32,
             "table": np.int64, "n_entries": np.int32,
             "threshold": np.float64, "weight": np.float64, "impurity": np.float64,
             "score": np.float64, "n_node_samples": np.int64}
    out = {name: np.empty(n, dtype) for name, dtype in names.items()}
    cdef int32_t[::1] parent = out["parent"], feature = out["feature"]
    cdef int32_t[::1] first_child = out["first_child"], n_children = out["n_children"], n_entries = out["n_entries"]
    cdef int64_t[::1] table = out["table"], n_rows = out["n_node_samples"]
    cdef double[::1] threshold = out["threshold"], weight = out["weight"], impurity = out["impurity"]
    cdef double[::1] score = out["score"]
    for i in range(n):
        node = &w.tree.nodes[i]
        parent[i] = node.parent
        feature[i] = node.feature
        first_child[i] = node.first_child
        n_children[i] = node.n_children
        table[i] = node.table
        n_entries[i] = node.n_entries
        threshold[i] = node.threshold
        weight[i] = node.weight
        impurity[i] = node.impurity
        score[i] = node.score
        n_rows[i] = node.n_rows
    values = np.empty((n, width if p.target.label != NULL else 1))
    cdef double[:, ::1] value = values
    for i in range(n):
        if p.target.label != NULL:
            for k in range(width):
                value[i, k] = w.tree.values[i * width + k] / weight[i]
        else:
            value[i, 0] = w.tree.centres[i]
    levels, branches = np.empty(w.tree.n_entries, np.int32), np.empty(w.tree.n_entries, np.int32)
    cdef int32_t[::1] own_levels = levels, own_branches = branches
    for i in range(w.tree.n_entries):
        own_levels[i] = w.tree.levels[i]
        own_branches[i] = w.tree.branches[i]
    return {**out, "value": values, "levels": levels, "branches": branches}


cdef void set_options(Options *o, int method, dict options) except *:
    """Fill the record from its fields' names; a name too much is an error of ours."""
    o.method = method
    o.max_depth = options.pop("max_depth", 0)
    o.min_split = options.pop("min_split", 0.0)
    o.min_leaf = options.pop("min_leaf", 0.0)
    o.min_gain = options.pop("min_gain", 0.0)
    o.mdl = options.pop("mdl", 0)
    o.bonferroni = options.pop("bonferroni", 1)
    o.log_alpha_merge = options.pop("log_alpha_merge", 0.0)
    o.log_alpha_resplit = options.pop("log_alpha_resplit", -np.inf)
    o.log_alpha_split = options.pop("log_alpha_split", 0.0)
    if options:
        raise TypeError(f"unknown options: {', '.join(options)}")


cdef class MultiwayWalker:
    """Leads rows through a grown tree; see multiway_grower.pyi."""

    cdef list held
    cdef Frozen tree
    cdef ptrdiff_t n_nodes

    def __cinit__(
        self, const int32_t[::1] feature, const int32_t[::1] first_child, const int32_t[::1] n_children,
        const int64_t[::1] table, const int32_t[::1] n_entries, const double[::1] threshold, const double[::1] share,
        const int32_t[::1] heaviest, const double[:, ::1] value, const int32_t[::1] levels,
        const int32_t[::1] branches,
    ):
        self.held = [feature, first_child, n_children, table, n_entries, threshold, share, heaviest, value, levels,
                     branches]
        self.n_nodes = feature.shape[0]
        self.tree.feature = &feature[0]
        self.tree.first_child = &first_child[0]
        self.tree.n_children = &n_children[0]
        self.tree.table = &table[0]
        self.tree.n_entries = &n_entries[0]
        self.tree.threshold = &threshold[0]
        self.tree.share = &share[0]
        self.tree.heaviest = &heaviest[0]
        self.tree.value = &value[0, 0]
        self.tree.width = <int> value.shape[1]
        self.tree.levels = &levels[0] if levels.shape[0] else NULL
        self.tree.branches = &branches[0] if branches.shape[0] else NULL

    def leaves(
        self, const int32_t[:, ::1] codes, const double[:, ::1] numbers, const int32_t[::1] place,
        const int32_t[::1] n_levels,
    ):
        """The node where each row ends; see multiway_grower.pyi."""
        cdef Rows rows
        cdef ptrdiff_t i, n = max(codes.shape[1], numbers.shape[1])
        found = np.empty(n, np.int32)
        cdef int32_t[::1] out = found
        set_rows(&rows, codes, numbers, place, n_levels)
        with nogil:
            for i in range(n):
                out[i] = last_node(&self.tree, &rows, i)
        return found

    def shares(
        self, const int32_t[:, ::1] codes, const double[:, ::1] numbers, const int32_t[::1] place,
        const int32_t[::1] n_levels,
    ):
        """What the nodes say where each row ends; see multiway_grower.pyi."""
        cdef Rows rows
        cdef ptrdiff_t i, n = max(codes.shape[1], numbers.shape[1])
        cdef Share *stack = <Share *> malloc((self.n_nodes + 1) * sizeof(Share))
        if stack == NULL:
            raise MemoryError
        found = np.zeros((n, self.tree.width))
        cdef double[:, ::1] out = found
        set_rows(&rows, codes, numbers, place, n_levels)
        with nogil:
            for i in range(n):
                add_shares(&self.tree, &rows, i, stack, &out[i, 0])
        free(stack)
        return found


cdef void set_rows(
    Rows *rows, const int32_t[:, ::1] codes, const double[:, ::1] numbers, const int32_t[::1] place,
    const int32_t[::1] n_levels,
) noexcept:
    rows.n = max(codes.shape[1], numbers.shape[1])
    rows.codes = &codes[0, 0] if codes.shape[0] and rows.n else NULL
    rows.numbers = &numbers[0, 0] if numbers.shape[0] and rows.n else NULL
    rows.place = &place[0]
    rows.n_levels = &n_levels[0]


def log_p_chi2(double chi2, double df):
    """log P(chi-square with df degrees of freedom > chi2)."""
    return log_chi2_tail(chi2, df)


def log_p_f(double f, double df1, double df2):
    """log P(F > f)."""
    return log_f_tail(f, df1, df2)


def log_groupings(int c, int r):
    """log of the ways to group c categories into r."""
    cdef double[::1] row = np.empty(r + 1)
    return log_partitions(c, r, &row[0])
