"""What a multiway tree is while it grows: columns of codes, nodes with runs of weighted rows, tables of branches."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport free, malloc, realloc

cdef enum:
    NO_MEMORY = -1
    STOP = -1                       # in a branch table: the row stays at this node
    SPREAD = -2                     # the row goes down every branch, with the branch's share of its weight

cdef enum Method:
    ID3 = 0
    C45 = 1
    CHAID = 2

cdef enum ColumnKind:
    NOMINAL = 0
    ORDINAL = 1                     # neighbours merge
    NUMBER = 2                      # codes are ranks; thresholds lie between them

ctypedef fused code_t:
    uint8_t
    uint16_t
    int32_t

cdef struct Column:
    const void *codes               # (n_samples,) 0..n_levels - 1, or n_levels where the value is missing
    const double *values            # (n_levels,) ascending, of a NUMBER
    int32_t n_levels
    int width                       # bytes of a code: 1, 2 or 4
    int kind

cdef struct Options:
    int method
    int max_depth                   # 0: no limit
    double min_split                # least weight of a node that is split
    double min_leaf                 # least weight of a branch (C45: of two branches)
    double min_gain                 # ID3
    int mdl                         # C45: thresholds pay for being chosen
    int bonferroni                  # CHAID
    double log_alpha_merge
    double log_alpha_resplit        # -infinity: merged groups stay
    double log_alpha_split

cdef struct Target:
    const int32_t *label            # (n_samples,) or NULL
    const double *y                 # (n_samples,) or NULL
    int width                       # sums a cell: the classes; or 3: w, w * d, w * d^2 with d = y - centre

cdef struct Run:                    # the rows of a node, ascending
    int32_t *rows
    double *weight                  # > 0
    ptrdiff_t n

cdef struct TreeNode:
    int32_t parent
    int32_t depth
    int32_t feature                 # -1: a leaf
    int32_t first_child
    int32_t n_children
    int64_t table                   # where the branches of the levels that it knows start; -1: a threshold
    int32_t n_entries               # of them
    double threshold
    double weight
    double impurity                 # bits, or variance
    double score                    # of the split: gain, gain ratio, log of the adjusted p-value
    int64_t n_rows

cdef struct Pending:
    Run run
    int32_t node

cdef struct Cells:                  # a contingency table: a column's levels (and missing) x what is counted
    double *sums                    # (most levels + 1, width)
    double *total                   # (most levels + 1,) weight
    int32_t *touched                # (n_touched,) levels that occur, in the order in which they came
    int32_t n_touched
    double centre                   # of y in this node

cdef struct Tree:
    TreeNode *nodes
    double *values                  # (n, width) sums of each node; of numbers around `centre`
    double *centres                 # (n,)
    int32_t *levels                 # (n_entries,) of each split the levels it knows, ascending
    int32_t *branches               # (n_entries,) and where they go
    ptrdiff_t n, room, n_entries, entries_room


cdef inline int code_at(const Column *column, ptrdiff_t row) noexcept nogil:
    if column.width == 1:
        return (<const uint8_t *> column.codes)[row]
    if column.width == 2:
        return (<const uint16_t *> column.codes)[row]
    return (<const int32_t *> column.codes)[row]


cdef inline void count_codes(
    const code_t *codes,            # (n_samples,)
    const Run *run,
    const Target *target,
    Cells *cells,                   # += in place; empty before
) noexcept nogil:
    """The contingency table of a column in a node, in one pass."""
    cdef ptrdiff_t i
    cdef int32_t row, code
    cdef double w, d
    cdef double *cell
    for i in range(run.n):
        row = run.rows[i]
        w = run.weight[i]
        code = codes[row]
        if cells.total[code] == 0:
            cells.touched[cells.n_touched] = code
            cells.n_touched += 1
        cells.total[code] += w
        cell = cells.sums + <ptrdiff_t> code * target.width
        if target.label != NULL:
            cell[target.label[row]] += w
        else:
            d = target.y[row] - cells.centre
            cell[0] += w
            cell[1] += w * d
            cell[2] += w * d * d


cdef inline void count_column(const Column *column, const Run *run, const Target *target, Cells *cells) noexcept nogil:
    if column.width == 1:
        count_codes(<const uint8_t *> column.codes, run, target, cells)
    elif column.width == 2:
        count_codes(<const uint16_t *> column.codes, run, target, cells)
    else:
        count_codes(<const int32_t *> column.codes, run, target, cells)


cdef inline void clear_cells(Cells *cells, int width) noexcept nogil:
    """Empty again; only what was touched is written."""
    cdef int32_t i, code
    cdef int k
    for i in range(cells.n_touched):
        code = cells.touched[i]
        cells.total[code] = 0
        for k in range(width):
            cells.sums[<ptrdiff_t> code * width + k] = 0
    cells.n_touched = 0


cdef inline int add_nodes(Tree *tree, int32_t parent, int depth, int32_t count, int width) noexcept nogil:
    """Number of the first of `count` new leaves, or NO_MEMORY."""
    cdef ptrdiff_t first = tree.n, room, i
    cdef TreeNode *nodes
    cdef double *values
    cdef double *centres
    if first + count > tree.room:
        room = 2 * (first + count) + 16
        nodes = <TreeNode *> realloc(tree.nodes, room * sizeof(TreeNode))
        if nodes == NULL:
            return NO_MEMORY
        tree.nodes = nodes
        values = <double *> realloc(tree.values, room * width * sizeof(double))
        if values == NULL:
            return NO_MEMORY
        tree.values = values
        centres = <double *> realloc(tree.centres, room * sizeof(double))
        if centres == NULL:
            return NO_MEMORY
        tree.centres = centres
        tree.room = room
    for i in range(first, first + count):
        tree.nodes[i].parent = parent
        tree.nodes[i].depth = depth
        tree.nodes[i].feature = -1
        tree.nodes[i].first_child = 0
        tree.nodes[i].n_children = 0
        tree.nodes[i].table = -1
        tree.nodes[i].n_entries = 0
        tree.nodes[i].threshold = 0
        tree.nodes[i].score = 0
    tree.n = first + count
    return <int> first


cdef inline int add_entries(
    Tree *tree,
    const int32_t *levels,          # (n,) ascending
    int32_t n,
    const int32_t *branch,          # of each level
    int64_t *start_out,
) noexcept nogil:
    """Keep the branches of the levels that a node knows; 0, or NO_MEMORY."""
    cdef ptrdiff_t room, i
    cdef int32_t *grown
    if tree.n_entries + n > tree.entries_room:
        room = 2 * (tree.n_entries + n)
        grown = <int32_t *> realloc(tree.levels, room * sizeof(int32_t))
        if grown == NULL:
            return NO_MEMORY
        tree.levels = grown
        grown = <int32_t *> realloc(tree.branches, room * sizeof(int32_t))
        if grown == NULL:
            return NO_MEMORY
        tree.branches = grown
        tree.entries_room = room
    start_out[0] = tree.n_entries
    for i in range(n):
        tree.levels[tree.n_entries + i] = levels[i]
        tree.branches[tree.n_entries + i] = branch[levels[i]]
    tree.n_entries += n
    return 0


cdef inline void free_runs(Pending *runs, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t i
    for i in range(n):
        free(runs[i].run.rows)
        free(runs[i].run.weight)


cdef inline int32_t branch_at(const Column *column, const int32_t *branch, int32_t cut, int32_t code) noexcept nogil:
    if column.kind == NUMBER:
        return SPREAD if code == column.n_levels else code > cut
    return branch[code]


cdef inline int split_run(
    const Column *column,
    const Run *run,
    const int32_t *branch,          # (n_levels + 1,) of each code that occurs: a branch, or SPREAD
    int32_t cut,                    # of a NUMBER: ranks <= cut go to branch 0, the others to 1
    int32_t n_branches,
    double *share,                  # (n_branches,) overwritten: weight of the known rows, then its share
    int64_t *count,                 # (n_branches,) overwritten
    Pending *children_out,          # (n_branches,) runs of their own; order of the rows kept
) noexcept nogil:
    """Deal the rows of a node to its branches; 0, or NO_MEMORY with nothing left behind. O(rows * (1 + spread))."""
    cdef ptrdiff_t i, spread = 0, at
    cdef int32_t b, to
    cdef double known = 0, w
    for b in range(n_branches):
        share[b] = 0
        count[b] = 0
        children_out[b].run.rows = NULL
        children_out[b].run.weight = NULL
        children_out[b].run.n = 0
    for i in range(run.n):
        to = branch_at(column, branch, cut, code_at(column, run.rows[i]))
        if to >= 0:
            share[to] += run.weight[i]
            count[to] += 1
        elif to == SPREAD:
            spread += 1
    for b in range(n_branches):
        known += share[b]
    for b in range(n_branches):
        share[b] /= known
        children_out[b].run.rows = <int32_t *> malloc((count[b] + spread + 1) * sizeof(int32_t))
        children_out[b].run.weight = <double *> malloc((count[b] + spread + 1) * sizeof(double))
        if children_out[b].run.rows == NULL or children_out[b].run.weight == NULL:
            free_runs(children_out, b + 1)
            return NO_MEMORY
    for i in range(run.n):
        to = branch_at(column, branch, cut, code_at(column, run.rows[i]))
        for b in range(0 if to == SPREAD else to, n_branches if to == SPREAD else to + 1):
            w = run.weight[i] * share[b] if to == SPREAD else run.weight[i]
            if w > 0:                                   # a share may underflow
                at = children_out[b].run.n
                children_out[b].run.rows[at] = run.rows[i]
                children_out[b].run.weight[at] = w
                children_out[b].run.n = at + 1
    return 0
