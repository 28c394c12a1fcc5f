"""Growth of a multiway tree: measure a node, find its split, deal its rows to the branches."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc, realloc

from kernels.multiway_gain cimport cut_value, entropy_mass
from kernels.multiway_merge cimport NOISE
from kernels.multiway_nodes cimport (
    C45, CHAID, NO_MEMORY, NUMBER, ORDINAL, SPREAD, Column, Pending, TreeNode, add_entries, add_nodes, clear_cells,
    count_column, free_runs, split_run,
)
from kernels.multiway_search cimport best_column, sort_touched, stays_leaf
from kernels.multiway_work cimport Problem, Work


cdef inline int root_run(const Problem *p, Work *w, const double *weight, Pending *root_out) noexcept nogil:
    cdef ptrdiff_t i, n = 0
    root_out.node = 0
    root_out.run.rows = <int32_t *> malloc((p.n_samples + 1) * sizeof(int32_t))
    root_out.run.weight = <double *> malloc((p.n_samples + 1) * sizeof(double))
    if root_out.run.rows == NULL or root_out.run.weight == NULL or (
        add_nodes(&w.tree, -1, 0, 1, p.target.width) < 0
    ):
        free_runs(root_out, 1)
        return NO_MEMORY
    for i in range(p.n_samples):
        if weight == NULL or weight[i] > 0:
            root_out.run.rows[n] = <int32_t> i
            root_out.run.weight[n] = 1.0 if weight == NULL else weight[i]
            n += 1
    root_out.run.n = n
    return 0


cdef inline void measure(const Problem *p, Work *w, const Pending *now) noexcept nogil:
    """Sums, weight and impurity of a node; y is counted from the node's mean on."""
    cdef TreeNode *node = &w.tree.nodes[now.node]
    cdef double *sums = w.tree.values + <ptrdiff_t> now.node * p.target.width
    cdef double own, d, centre = 0
    cdef ptrdiff_t i
    cdef int k
    for k in range(p.target.width):
        sums[k] = 0
    node.weight = 0
    node.n_rows = now.run.n
    for i in range(now.run.n):
        node.weight += now.run.weight[i]
    if p.target.label != NULL:
        for i in range(now.run.n):
            sums[p.target.label[now.run.rows[i]]] += now.run.weight[i]
        w.tree.centres[now.node] = 0
        node.impurity = entropy_mass(sums, p.target.width, node.weight) / node.weight
        return
    for i in range(now.run.n):
        centre += now.run.weight[i] * p.target.y[now.run.rows[i]]
    centre /= node.weight
    for i in range(now.run.n):
        own = now.run.weight[i]
        d = p.target.y[now.run.rows[i]] - centre
        sums[0] += own
        sums[1] += own * d
        sums[2] += own * d * d
    w.tree.centres[now.node] = centre
    w.cells.centre = centre
    node.impurity = max(sums[2] / node.weight - (sums[1] / node.weight) ** 2, 0.0)
    if node.impurity <= NOISE * centre * centre * NOISE:      # all equal, but for the rounding of their mean
        node.impurity = 0


cdef inline int32_t branches(const Problem *p, Work *w, int32_t j, const Pending *now) noexcept nogil:
    """Fill `entries` and their `branch` for a split by column j; returns the number of branches."""
    cdef const Column *column = &p.columns[j]
    cdef int32_t i, code, n = 0
    if column.kind == NUMBER:
        return 2
    count_column(column, &now.run, &p.target, &w.cells)
    sort_touched(w)
    w.n_entries = w.cells.n_touched
    for i in range(w.n_entries):
        code = w.cells.touched[i]
        w.entries[i] = code
        if p.o.method == CHAID and w.best_into[code] != code:
            w.branch[code] = w.branch[w.best_into[code]]    # a group bears the number of its first level
        elif p.o.method == C45 and code == column.n_levels:
            w.branch[code] = SPREAD
        else:
            w.branch[code] = n
            n += 1
    clear_cells(&w.cells, p.target.width)
    if p.o.method == C45 and w.entries[w.n_entries - 1] != column.n_levels:
        w.entries[w.n_entries] = column.n_levels
        w.branch[column.n_levels] = SPREAD
        w.n_entries += 1
    elif column.kind == ORDINAL:
        fill_bins(column, w)
    return n


cdef inline void fill_bins(const Column *column, Work *w) noexcept nogil:
    """A bin without rows goes with the one below that has some, or else with the lowest."""
    cdef bint missing = w.entries[w.n_entries - 1] == column.n_levels
    cdef int32_t at = 0, code, before = w.branch[w.entries[0]]
    for code in range(column.n_levels):
        if at < w.n_entries and w.entries[at] == code:
            before = w.branch[code]
            at += 1
        w.branch[code] = before
    for code in range(column.n_levels):
        w.entries[code] = code
    w.n_entries = column.n_levels
    if missing:
        w.entries[w.n_entries] = column.n_levels
        w.n_entries += 1


cdef inline int split(
    const Problem *p,
    Work *w,
    int32_t j,                      # column
    const Pending *now,
    int32_t n_children,
    double *share,                  # (n_children,) scratch
    int64_t *count,                 # (n_children,) scratch
    Pending *children_out,          # (n_children,)
) noexcept nogil:
    """Make the children of a node and deal its rows to them; 0, or NO_MEMORY."""
    cdef const Column *column = &p.columns[j]
    cdef TreeNode *node
    cdef int32_t b, first
    if split_run(column, &now.run, w.branch, w.worths[j].cut, n_children, share, count, children_out) < 0:
        return NO_MEMORY
    first = add_nodes(&w.tree, now.node, w.tree.nodes[now.node].depth + 1, n_children, p.target.width)
    node = &w.tree.nodes[now.node]
    if first < 0 or (
        column.kind != NUMBER and add_entries(&w.tree, w.entries, w.n_entries, w.branch, &node.table) < 0
    ):
        free_runs(children_out, n_children)
        return NO_MEMORY
    node.n_entries = 0 if column.kind == NUMBER else w.n_entries
    node.feature = j
    node.first_child = first
    node.n_children = n_children
    if column.kind == NUMBER:
        node.threshold = cut_value(column, w.worths[j].cut, w.worths[j].next)
    for b in range(n_children):
        children_out[b].node = first + b
    return 0


cdef inline int start_tree(const Problem *p, Work *w, const double *weight) noexcept nogil:
    """The root, waiting; 0, or NO_MEMORY."""
    w.room = 64
    w.stack = <Pending *> malloc(w.room * sizeof(Pending))
    if w.stack == NULL or root_run(p, w, weight, &w.stack[0]) < 0:
        return NO_MEMORY
    w.n_stack = 1
    return 0


cdef inline int grow_node(const Problem *p, Work *w) noexcept nogil:
    """Split the node that waits last: depth first, so that runs of one path are held; 0, or NO_MEMORY."""
    cdef Pending now
    cdef Pending *stack
    cdef int32_t n_children = 0, best = -1
    cdef int rc = 0
    cdef double *share
    cdef int64_t *count
    w.n_stack -= 1
    now = w.stack[w.n_stack]
    w.rows_done += now.run.n
    measure(p, w, &now)
    if not stays_leaf(p, &w.tree.nodes[now.node]):
        best = best_column(p, w, &now)
        if best >= 0:
            n_children = branches(p, w, best, &now)
    if n_children > 1:
        rc = NO_MEMORY
        share = <double *> malloc(n_children * sizeof(double))
        count = <int64_t *> malloc(n_children * sizeof(int64_t))
        stack = w.stack
        if w.n_stack + n_children > w.room:
            stack = <Pending *> realloc(w.stack, 2 * (w.n_stack + n_children) * sizeof(Pending))
            if stack != NULL:
                w.stack = stack
                w.room = 2 * (w.n_stack + n_children)
        if share != NULL and count != NULL and stack != NULL:
            rc = split(p, w, best, &now, n_children, share, count, stack + w.n_stack)
        free(share)
        free(count)
        if rc == 0:
            w.n_stack += n_children
    free_runs(&now, 1)
    return rc
