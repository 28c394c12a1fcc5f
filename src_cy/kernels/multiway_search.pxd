"""The split of a node of a multiway tree: the column with the largest gain, gain ratio, or smallest p-value."""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.string cimport memset

from kernels.multiway_gain cimport LENIENT, MANY, ROUNDING, branch_worth, threshold_worth
from kernels.multiway_groups cimport merge_categories
from kernels.multiway_merge cimport beats
from kernels.multiway_nodes cimport CHAID, ID3, NOMINAL, NUMBER, Pending, TreeNode, clear_cells, count_column
from kernels.multiway_work cimport Problem, Work


cdef inline bint stays_leaf(const Problem *p, const TreeNode *node) noexcept nogil:
    return (
        node.impurity <= 0
        or (p.o.max_depth > 0 and node.depth >= p.o.max_depth)
        or node.weight < p.o.min_split - ROUNDING
    )


cdef inline int32_t best_column(const Problem *p, Work *w, const Pending *now) noexcept nogil:
    """The column to split by, with the node's score; -1 where there is none. Of equal ones the first."""
    cdef TreeNode *node = &w.tree.nodes[now.node]
    cdef int32_t j, above = node.parent
    memset(w.used, 0, p.n_features)
    if p.o.method == CHAID:
        return least_p(p, w, now, node)
    while above >= 0:
        if w.tree.nodes[above].table >= 0:
            w.used[w.tree.nodes[above].feature] = 1
        above = w.tree.nodes[above].parent
    for j in range(p.n_features):
        w.worths[j].valid = False
        if w.used[j]:
            continue
        if p.columns[j].kind == NUMBER:
            threshold_worth(&p.columns[j], &p.o, &now.run, &p.target, node.weight, &w.cells,
                            w.scratch, w.keys, &w.worths[j])
        else:
            count_column(&p.columns[j], &now.run, &p.target, &w.cells)
            branch_worth(&p.columns[j], &p.o, &w.cells, &p.target, node.weight, w.scratch,
                         &w.worths[j])
            clear_cells(&w.cells, p.target.width)
    return largest_gain(p, w, node) if p.o.method == ID3 else largest_ratio(p, w, node)


cdef inline int32_t largest_gain(const Problem *p, Work *w, TreeNode *node) noexcept nogil:
    cdef int32_t j, best = -1
    for j in range(p.n_features):
        if w.worths[j].valid and w.worths[j].gain >= p.o.min_gain - ROUNDING:
            if best < 0 or w.worths[j].gain > node.score + ROUNDING:
                best = j
                node.score = w.worths[j].gain
    return best


cdef inline bint has_many_levels(const Problem *p, const Work *w, int32_t j) noexcept nogil:
    """Whether a column has as many levels as three tenths of the tree's rows, as names and numbers of rows have."""
    return p.columns[j].kind == NOMINAL and p.columns[j].n_levels >= MANY * w.tree.nodes[0].weight


cdef inline int32_t largest_ratio(const Problem *p, Work *w, TreeNode *node) noexcept nogil:
    """The largest gain ratio among columns with at least the average gain (Quinlan 1993, chapter 2).

    As in Quinlan's program a thousandth of a bit less will do, and columns with very many levels are left out of the
    average unless all are such.
    """
    cdef int32_t j, best = -1, n = 0, n_many = 0
    cdef double mean = 0, ratio
    for j in range(p.n_features):
        n_many += has_many_levels(p, w, j)
    for j in range(p.n_features):
        if w.worths[j].valid and (n_many == p.n_features or not has_many_levels(p, w, j)):
            mean += w.worths[j].gain
            n += 1
    mean = mean / n if n else INFINITY
    for j in range(p.n_features):
        if not w.worths[j].valid or w.worths[j].gain < max(mean - LENIENT, ROUNDING):
            continue
        ratio = w.worths[j].gain / w.worths[j].split_info
        if best < 0 or ratio > node.score + ROUNDING:
            best = j
            node.score = ratio
    return best


cdef inline void sort_touched(Work *w) noexcept nogil:
    """Levels that occur, ascending: a table of marks where there are many, insertion where few."""
    cdef int32_t i, j, code, n = w.cells.n_touched, most
    if n > 32:
        most = 0
        for i in range(n):
            most = max(most, w.cells.touched[i])
        j = 0
        for code in range(most + 1):
            if w.cells.total[code] > 0:
                w.cells.touched[j] = code
                j += 1
        return
    for i in range(1, n):
        code = w.cells.touched[i]
        j = i
        while j > 0 and w.cells.touched[j - 1] > code:
            w.cells.touched[j] = w.cells.touched[j - 1]
            j -= 1
        w.cells.touched[j] = code


cdef inline int32_t least_p(const Problem *p, Work *w, const Pending *now, TreeNode *node) noexcept nogil:
    """CHAID: the smallest adjusted p-value, as its logarithm; groups of the column in `best_into`."""
    cdef int32_t j, i, best = -1
    cdef double log_p
    cdef const double *sums = w.tree.values + <ptrdiff_t> now.node * p.target.width
    cdef int k, classes = 0
    for k in range(p.target.width):
        classes += sums[k] > 0
    w.groups.df = classes - 1
    for j in range(p.n_features):
        count_column(&p.columns[j], &now.run, &p.target, &w.cells)
        sort_touched(w)
        log_p = merge_categories(&p.columns[j], &p.o, &w.cells, &p.target, &w.groups)
        if w.groups.n < 2 or log_p > p.o.log_alpha_split:
            clear_cells(&w.cells, p.target.width)
            continue
        if best < 0 or beats(-log_p, -node.score):
            best = j
            node.score = log_p
            for i in range(w.cells.n_touched):
                w.best_into[w.cells.touched[i]] = w.groups.into[w.cells.touched[i]]
        clear_cells(&w.cells, p.target.width)
    return best
