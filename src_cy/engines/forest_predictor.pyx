"""Rows through trees: in batches on binned codes, on float thresholds, or one row at once.

Batches on codes run trees of at most 256 leaves as Boolean programs over blocks of 512 rows (src_cy/simd/
predict.inl): one bit a row and condition, no branch on data. Larger trees, rows without codes and single rows walk
from node to node, eight lanes side by side. Every path adds leaf values in float64 in the order of the trees, so
all of them give the same bits, for any number of threads and any instruction set.

The limit, a row and tree of 31 leaves on one core with AVX-512, in cycles: 0.1 to 0.3 for the conditions (8
comparisons for 512 rows, shared by the trees), 0.4 for at most 150 selections (3 loads and a store for 512 rows),
0.4 for the leaf values (3 shuffles for 8 rows); about 1 cycle in all. Measured on 65,536 rows x 11 columns and 200
trees, one core, processor time beside other work: 0.68 ns a row and tree, 0.84 with binning; CatBoost (trees of 32
leaves) 1.7, XGBoost 29, LightGBM 74. With AVX2 2.0 to 2.6 ns, with the base set 2.8. Walking instead takes 15 ns (31
leaves) to 31 ns (300, where programs of 255 take 5). Groups of 1024 to 4096 splits, not 16384, took 1.15 times as long.
"""

import numpy as np

cimport numpy as cnp
from cython.parallel cimport parallel, prange
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from kernels.forest_layout cimport (
    CATEGORICAL_BIT, FEATURE_BITS, MISSING_LEFT_BIT, WalkNode, check_forest, nodes_of, own_sets, walk_leaf,
)
from kernels.tree_program cimport FIRST_CONDITION, MAX_NODES, ONES, PLANES, ProgramScratch, write_program
from kernels.tree_walk cimport LANES, walk_codes
from simd.simd cimport (
    FASTML_BLOCK_ROWS, FASTML_BLOCK_WORDS, fastml_bit_tree, fastml_kernels, fastml_select, fastml_simd,
)
from types cimport Node

cnp.import_array()

cdef enum:
    MAX_SPLITS = 16384  # of a group of trees that share conditions; their bits, 64 bytes each, stay in L2


cdef struct Group:
    bint walks                    # trees too large for programs
    Py_ssize_t begin, end         # trees
    const int64_t *feature        # (n_conditions,) ascending; of a feature, the numbers come first
    const uint8_t *threshold      # (n_conditions,)
    const uint8_t *shift          # (n_conditions,)
    const int64_t *set_row        # (n_conditions,) -1: a number
    Py_ssize_t n_conditions
    const fastml_bit_tree *trees  # (end - begin,)
    const fastml_select *program
    const double *tables
    const int32_t *leaves         # like tables: the leaf's node


cdef inline int32_t threshold_code(
    double value, const double[::1] edges, int64_t begin, int64_t end, bint missing_left
) noexcept nogil:
    """Code t with `code <= t` as `x <= value`; -1 where there is none."""
    cdef int64_t low = begin, high = end, middle
    if value != value:
        return 0 if missing_left else -1
    while low < high:
        middle = (low + high) // 2
        if edges[middle] < value:
            low = middle + 1
        else:
            high = middle
    if end - begin > 254 or (value != INFINITY and (low == end or edges[low] != value)):
        return -1
    return <int32_t>(low - begin + 1)


cdef inline void mark_conditions(
    const fastml_kernels *simd, const Group *group, const uint32_t *sets, const uint8_t *codes, Py_ssize_t stride,
    int n_words, uint64_t *right_out,
) noexcept nogil:
    """One vector for each condition of the group: which rows of the block go right."""
    cdef Py_ssize_t c = 0, stop
    cdef const uint8_t *column
    while c < group.n_conditions:
        column = codes + group.feature[c] * stride
        stop = c + 1
        if group.set_row[c] >= 0:
            simd.member_codes(column, n_words, <const uint8_t *>(sets + 8 * group.set_row[c]),
                              right_out + c * FASTML_BLOCK_WORDS)
        else:
            while (stop < group.n_conditions and group.feature[stop] == group.feature[c] and group.set_row[stop] < 0
                    and group.shift[stop] == group.shift[c]):
                stop += 1
            simd.compare_codes(column, n_words, group.shift[c], group.threshold + c, stop - c,
                               right_out + c * FASTML_BLOCK_WORDS)
        c = stop


cdef Py_ssize_t write_group(
    const Node *nodes, const int64_t *start, Group *group, const int32_t *condition
) except -1:
    """Writes the programs, tables and leaves of a group's trees; returns the spare vectors that one may need."""
    cdef ProgramScratch *scratch = <ProgramScratch *>malloc(sizeof(ProgramScratch))
    cdef fastml_bit_tree *tree
    cdef Py_ssize_t t, i, spare = 0
    cdef int32_t selects = 0
    cdef int64_t table = 0
    if scratch == NULL:
        raise MemoryError
    for t in range(group.begin, group.end):
        tree = <fastml_bit_tree *>group.trees + (t - group.begin)
        tree.select_begin = selects
        tree.table = table
        spare = max(spare, <Py_ssize_t>write_program(
            nodes + start[t], <int32_t>(start[t + 1] - start[t]), condition + (start[t] - start[group.begin]),
            <int32_t>(FIRST_CONDITION + group.n_conditions), <fastml_select *>group.program, tree,
            <int32_t *>group.leaves + table, scratch))
        for i in range(1 << tree.n_planes):
            (<double *>group.tables)[table + i] = nodes[start[t] + group.leaves[table + i]].value
        selects = tree.select_end
        table += max(1 << tree.n_planes, 16)  # tables of up to 32 values are read whole
    free(scratch)
    return spare


cdef class _Plan:
    """A range of trees, compiled for batches: groups of trees, in order."""

    cdef list keep  # the arrays that the groups point into
    cdef Group *groups
    cdef Py_ssize_t n_groups, n_vectors

    def __dealloc__(self):
        free(self.groups)


cdef class CompiledForest:
    """Trees ready to run on codes of the columns.

    nodes, tree_start, categories : as in fastml.tree.structure.Forest.
    edges_flat : float64, the columns' edges end to end; edges_start : (n_features + 1,) int64. A threshold must be an
        edge of its column, or inf (all but missing go left), or NaN (only missing).
    """

    cdef readonly int n_outputs
    cdef readonly Py_ssize_t n_trees, n_features
    cdef object _nodes, _start, _sets, _code, _walk
    cdef dict _plans
    cdef const Node *nodes
    cdef const int64_t *start
    cdef const int32_t *code      # (n_nodes,) code of a split's threshold, or the row of its set
    cdef const uint32_t *sets
    cdef const WalkNode *walk     # made when a tree needs it

    def __init__(self, nodes, tree_start, categories, int n_outputs, edges_flat, edges_start):
        cdef const int64_t[::1] start = np.ascontiguousarray(tree_start, dtype=np.int64)
        cdef const double[::1] edges = np.ascontiguousarray(edges_flat, dtype=np.float64)
        cdef const int64_t[::1] edge_start = np.ascontiguousarray(edges_start, dtype=np.int64)
        cdef int32_t[::1] code = np.zeros(len(nodes) + 1, np.int32)
        cdef Py_ssize_t i
        cdef int64_t feature
        if n_outputs < 1:
            raise ValueError(f"n_outputs={n_outputs} must be 1 or more")
        if edge_start.shape[0] < 1 or edge_start[0] < 0 or edge_start[edge_start.shape[0] - 1] > edges.shape[0] \
                or np.any(np.diff(edge_start) < 0):
            raise ValueError("edges_start must rise within edges_flat")
        self.n_outputs, self.n_trees, self.n_features = n_outputs, start.shape[0] - 1, edge_start.shape[0] - 1
        check_forest(nodes, start, len(categories), self.n_features)
        self._nodes, self._start, self._code = nodes, np.asarray(start), np.asarray(code)
        self._sets = own_sets(nodes, categories)
        self._plans = {}
        self.nodes = nodes_of(nodes)
        self.start = <const int64_t *>cnp.PyArray_DATA(self._start)
        self.sets = <const uint32_t *>cnp.PyArray_DATA(self._sets)
        self.code = <const int32_t *>cnp.PyArray_DATA(self._code)
        for i in range(len(nodes)):
            if self.nodes[i].left == 0:
                continue
            if self.nodes[i].feature >> CATEGORICAL_BIT & 1:
                code[i] = <int32_t>self.nodes[i].value
                continue
            feature = self.nodes[i].feature & FEATURE_BITS
            code[i] = threshold_code(self.nodes[i].value, edges, edge_start[feature], edge_start[feature + 1],
                                     self.nodes[i].feature >> MISSING_LEFT_BIT)
            if code[i] < 0:
                raise ValueError(f"threshold {self.nodes[i].value} of column {feature} is not among its edges: "
                                 "compile with the edges of the mapper that the forest was grown on")

    def add_codes(self, const uint8_t[:, :] codes, Py_ssize_t n_samples, double[:, :] raw_inout,
                  Py_ssize_t tree_begin=0, tree_end=None, int n_threads=1):
        """raw_inout[t % n_outputs, i] += leaf value of row i in tree t, for the trees of the range, in order.

        codes : (n_features, stride) uint8, rows of a column side by side, stride >= n_samples rounded up to 64.
        raw_inout : (n_outputs, n_samples) float64, rows side by side.
        """
        cdef _Plan plan = self._checked(codes, n_samples, tree_begin, tree_end)
        if raw_inout.shape[0] != self.n_outputs or raw_inout.shape[1] != n_samples or raw_inout.strides[1] != 8:
            raise ValueError(f"raw_inout must be C-ordered float64 of shape ({self.n_outputs}, {n_samples})")
        if n_samples:
            self._run(plan, codes, n_samples, &raw_inout[0, 0], raw_inout.strides[0] // 8, NULL, 0, n_threads)

    def leaf_codes(self, const uint8_t[:, :] codes, Py_ssize_t n_samples,
                   Py_ssize_t tree_begin=0, tree_end=None, int n_threads=1):
        """Index of each row's leaf among its tree's nodes: (n_samples, trees of the range) int32."""
        cdef _Plan plan = self._checked(codes, n_samples, tree_begin, tree_end)
        cdef Py_ssize_t stop = self.n_trees if tree_end is None else tree_end
        cdef int32_t[:, ::1] out = np.empty((n_samples, stop - tree_begin), np.int32)
        if out.size:
            self._run(plan, codes, n_samples, NULL, 0, &out[0, 0] - tree_begin, stop - tree_begin, n_threads)
        return np.asarray(out)

    cdef _Plan _checked(self, const uint8_t[:, :] codes, Py_ssize_t n_samples, Py_ssize_t begin, tree_end):
        cdef Py_ssize_t end = self.n_trees if tree_end is None else tree_end
        if codes.shape[0] != self.n_features or codes.strides[1] != 1 or codes.shape[1] < (n_samples + 63) // 64 * 64:
            raise ValueError(f"codes must be uint8 of shape ({self.n_features}, {n_samples} rounded up to 64 or more), "
                             "the rows of a column side by side")
        if not 0 <= begin <= end <= self.n_trees:
            raise ValueError(f"trees {begin} to {end} are not within the forest's {self.n_trees}")
        if (begin, end) not in self._plans:
            if len(self._plans) > 1:  # the whole forest and the last other range
                self._plans = {k: v for k, v in self._plans.items() if k == (0, self.n_trees)}
            self._plans[begin, end] = self._plan(begin, end)
        return self._plans[begin, end]

    cdef _Plan _plan(self, Py_ssize_t begin, Py_ssize_t end):
        """Cuts a range of trees into groups and compiles each."""
        cdef _Plan plan = _Plan()
        cdef Py_ssize_t t = begin, stop, n_splits, size
        cdef bint walks
        plan.keep = []
        plan.groups = <Group *>calloc(end - begin + 1, sizeof(Group))
        if plan.groups == NULL:
            raise MemoryError
        while t < end:
            walks = self.start[t + 1] - self.start[t] > MAX_NODES
            stop = t
            n_splits = 0
            while stop < end:
                size = self.start[stop + 1] - self.start[stop]
                if (size > MAX_NODES) != walks or (not walks and n_splits + size // 2 > MAX_SPLITS):
                    break
                n_splits += size // 2
                stop += 1
            plan.groups[plan.n_groups].walks = walks
            plan.groups[plan.n_groups].begin = t
            plan.groups[plan.n_groups].end = stop
            if walks:
                self._make_walk()
            else:
                self._compile(plan, &plan.groups[plan.n_groups])
            plan.n_groups += 1
            t = stop
        return plan

    cdef int _compile(self, _Plan plan, Group *group) except -1:
        """Numbers the distinct conditions of a group and writes its trees' programs."""
        cdef Py_ssize_t first = self.start[group.begin], n_nodes = self.start[group.end] - first
        cdef Py_ssize_t n_trees = group.end - group.begin
        nodes = self._nodes[first : first + n_nodes]
        split = nodes["left"] != 0
        feature = nodes["feature"].astype(np.int64)
        is_set, missing_left = feature >> CATEGORICAL_BIT & 1, feature >> MISSING_LEFT_BIT
        code = self._code[first : first + n_nodes].astype(np.int64)
        key = np.where(is_set == 1, 1 << 32 | code, (1 - missing_left) << 9 | code) | (feature & FEATURE_BITS) << 33
        distinct, which = np.unique(key[split], return_inverse=True)
        number = np.zeros(n_nodes, np.int32)
        number[split] = which
        is_set, low = distinct >> 32 & 1, distinct & 0xFFFFFFFF
        shift = np.where(is_set == 1, 0, low >> 9).astype(np.uint8)
        threshold = ((low & 511) - shift).astype(np.uint8)
        set_row = np.where(is_set == 1, low, -1)
        columns = distinct >> 33
        trees = np.zeros(n_trees * sizeof(fastml_bit_tree), np.uint8)
        program = np.empty(n_nodes // 2 * PLANES + 1, np.uint64)
        leaves = np.zeros(n_trees * 256, np.int32)
        tables = np.zeros(n_trees * 256, np.float64)
        plan.keep += [shift, threshold, set_row, columns, trees, program, leaves, tables]
        group.feature = <const int64_t *>cnp.PyArray_DATA(columns)
        group.threshold = <const uint8_t *>cnp.PyArray_DATA(threshold)
        group.shift = <const uint8_t *>cnp.PyArray_DATA(shift)
        group.set_row = <const int64_t *>cnp.PyArray_DATA(set_row)
        group.n_conditions = len(distinct)
        group.trees = <const fastml_bit_tree *>cnp.PyArray_DATA(trees)
        group.program = <const fastml_select *>cnp.PyArray_DATA(program)
        group.tables = <const double *>cnp.PyArray_DATA(tables)
        group.leaves = <const int32_t *>cnp.PyArray_DATA(leaves)
        plan.n_vectors = max(plan.n_vectors, FIRST_CONDITION + group.n_conditions + write_group(
            self.nodes, self.start, group, <const int32_t *>cnp.PyArray_DATA(number)))
        return 0

    cdef int _make_walk(self) except -1:
        cdef WalkNode *out
        cdef Py_ssize_t t, g
        cdef const Node *node
        if self.walk != NULL:
            return 0
        self._walk = np.empty(len(self._nodes) * sizeof(WalkNode) // 8, np.int64)
        out = <WalkNode *>cnp.PyArray_DATA(self._walk)
        for t in range(self.n_trees):
            for g in range(self.start[t], self.start[t + 1]):
                node = self.nodes + g
                if node.left == 0:
                    walk_leaf(&out[g], <int32_t>g)
                    continue
                out[g].left = <int32_t>(self.start[t] + node.left)
                out[g].threshold = self.code[g]
                out[g].slot = node.feature & FEATURE_BITS
                if node.feature >> CATEGORICAL_BIT & 1:
                    out[g].slot |= <uint32_t>1 << 31
                elif not node.feature >> MISSING_LEFT_BIT:
                    out[g].slot |= <uint32_t>1 << 30
                    out[g].threshold -= 1
        self.walk = out
        return 0

    cdef int _run(
        self, _Plan plan, const uint8_t[:, :] codes, Py_ssize_t n, double *raw, Py_ssize_t raw_output,
        int32_t *leaf_out, Py_ssize_t leaf_row, int n_threads,
    ) except -1:
        cdef const uint8_t *data = &codes[0, 0] if codes.shape[0] else NULL
        cdef Py_ssize_t stride = codes.strides[0], block, g
        cdef Py_ssize_t size = plan.n_vectors * FASTML_BLOCK_WORDS * sizeof(uint64_t)
        cdef int n_rows
        cdef char *memory = NULL
        cdef uint64_t *vectors = NULL
        cdef bint failed = False
        with nogil, parallel(num_threads=max(n_threads, 1)):
            memory = <char *>calloc(size + 64, 1)
            vectors = <uint64_t *>((<uintptr_t>memory + 63) & ~<uintptr_t>63)
            if memory != NULL and size:
                memset(vectors + ONES * FASTML_BLOCK_WORDS, 0xFF, FASTML_BLOCK_WORDS * sizeof(uint64_t))
            for block in prange((n + FASTML_BLOCK_ROWS - 1) // FASTML_BLOCK_ROWS, schedule="static"):
                if memory == NULL:
                    failed = True
                    continue
                n_rows = <int>min(<Py_ssize_t>FASTML_BLOCK_ROWS, n - block * FASTML_BLOCK_ROWS)
                for g in range(plan.n_groups):
                    self.run_group(
                        &plan.groups[g], data + block * FASTML_BLOCK_ROWS if data != NULL else NULL, stride, n_rows,
                        vectors, raw + block * FASTML_BLOCK_ROWS if raw != NULL else NULL, raw_output,
                        leaf_out + block * FASTML_BLOCK_ROWS * leaf_row if leaf_out != NULL else NULL, leaf_row)
            free(memory)
        if failed:
            raise MemoryError
        return 0

    cdef inline void run_group(
        self, const Group *group, const uint8_t *codes, Py_ssize_t stride, int n_rows, uint64_t *vectors,
        double *raw, Py_ssize_t raw_output, int32_t *leaf_out, Py_ssize_t leaf_row,
    ) noexcept nogil:
        cdef const fastml_kernels *simd = fastml_simd()
        cdef int n_words = (n_rows + 63) // 64
        cdef Py_ssize_t t, i
        cdef uint8_t leaf[512]
        if group.walks:
            self.walk_group(group, codes, stride, n_rows, raw, raw_output, leaf_out, leaf_row)
            return
        mark_conditions(simd, group, self.sets, codes, stride, n_words, vectors + FIRST_CONDITION * FASTML_BLOCK_WORDS)
        if leaf_out == NULL:
            for t in range(group.begin, min(group.begin + self.n_outputs, group.end)):
                simd.add_leaves(group.trees + (t - group.begin), group.end - t, self.n_outputs, group.program,
                                group.tables, vectors, n_rows, raw + t % self.n_outputs * raw_output)
            return
        for t in range(group.begin, group.end):
            simd.find_leaves(group.trees + (t - group.begin), group.program, vectors, n_words, leaf)
            for i in range(n_rows):
                leaf_out[i * leaf_row + t] = group.leaves[group.trees[t - group.begin].table + leaf[i]]

    cdef inline void walk_group(
        self, const Group *group, const uint8_t *codes, Py_ssize_t stride, int n_rows,
        double *raw, Py_ssize_t raw_output, int32_t *leaf_out, Py_ssize_t leaf_row,
    ) noexcept nogil:
        cdef Py_ssize_t t, i, j
        cdef int32_t at[LANES]
        for t in range(group.begin, group.end):
            for i in range(0, n_rows, 8):  # LANES
                for j in range(LANES):
                    at[j] = <int32_t>self.start[t]
                walk_codes(self.walk, self.sets, codes + i, stride, at)
                for j in range(min(<Py_ssize_t>LANES, n_rows - i)):
                    if leaf_out != NULL:
                        leaf_out[(i + j) * leaf_row + t] = at[j] - <int32_t>self.start[t]
                    else:
                        raw[t % self.n_outputs * raw_output + i + j] += self.nodes[at[j]].value
