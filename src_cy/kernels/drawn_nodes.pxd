"""What a tree holds while it grows on rows whose columns are sorted anew in each node, where they are drawn.

A node is a run of entries, of which the lower half is the row; see sorted_runs for the higher half of one that is
sorted. Where few columns are drawn, sorting those costs less than keeping all sorted, and memory is 4 bytes a value.
"""

from libc.stdint cimport int32_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from kernels.exact_nodes cimport ExactProblem, Work, work_free, work_init
from kernels.impurity cimport Target
from kernels.sorted_runs cimport row_of
from types cimport CategorySet

cdef enum:
    SMALL = 128                     # rows of a node up to which keys are sorted by counting smaller ones
    MOST_CELLS = 1 << 17            # 1 MB: what stays in a second-level cache
    LOCAL_BYTES = 1 << 16           # of the ranks of a subtree's rows that are copied side by side, in the near cache
    LOCAL_ROWS = 2048


cdef enum FastSearch:               # of columns of numbers where no value is missing, for one output
    NONE
    OF_NUMBERS                      # squared error, and gini of two classes as 0 and 1, with any weights
    OF_COUNTS                       # gini where weights count rows; an entry's upper half: count << 16 | class


cdef struct Span:                   # of ranks
    uint32_t low
    uint32_t high                   # MISSING where a value is missing


cdef struct DrawnProblem:
    ExactProblem exact              # its entries: the rows of the tree, (n,)
    const uint16_t *ranks16         # (n_features, stride) of each row's value in its column, or
    const uint32_t *ranks32         # where a column has too many; the largest number: missing
    ptrdiff_t stride
    bint padded                     # ranks16 may be read two bytes beyond its end
    FastSearch fast


cdef struct DrawnCut:
    double proxy                    # -inf: there is none
    int feature
    int missing_left
    int categorical                 # the codes in `left` go left
    uint32_t below                  # the largest rank that goes left
    uint32_t above                  # the smallest present one that goes right; MISSING: all that is present goes left
    CategorySet left


cdef struct LocalRows:              # what a subtree reads, of its own rows only
    ptrdiff_t most                  # rows; 0: no subtree is copied
    DrawnProblem problem
    uint64_t *entries               # (most,)
    uint32_t *ranks                 # (n_features, most), or as many uint16_t
    int32_t *label                  # (n_outputs, most)
    double *y                       # (n_outputs, most)
    double *weight                  # (most,)
    double *pairs                   # (most, 2)


cdef struct DrawnWork:              # of one thread
    Work base
    uint32_t *drawn                 # (n_features,) columns, of which the first are drawn
    int32_t *swaps                  # (n_features,) to undo the draw
    uint32_t *ranks                 # (n,) of the node's rows in the column at hand
    uint32_t *best_ranks            # (n,) in the column of the best cut
    uint32_t *keys                  # (m,)
    uint32_t *spare                 # (m,)
    uint64_t *run                   # (n,)
    uint64_t *spare_run             # (n,)
    double *w                       # (n,) of the node's rows
    double *y                       # (n,)
    double *wy                      # (n,)
    int32_t *label                  # (n,)
    int32_t *count                  # (n,)
    double *a                       # (m,) of each cut, see drawn_search
    double *b                       # (m,)
    double *w_left                  # (m,)
    double *cells                   # (n_cells,)
    ptrdiff_t n_cells
    uint64_t *class_counts          # (n_classes + 32,)
    DrawnCut cut                    # the best of the node at hand
    Span span                       # of best_ranks
    LocalRows local


cdef inline bint local_init(const DrawnProblem *p, LocalRows *local) noexcept nogil:
    """Room for subtrees of a few rows; none where too few of the columns are drawn for a copy to pay."""
    cdef ptrdiff_t d = p.exact.n_features, outputs = p.exact.target.n_outputs, most
    most = min(<ptrdiff_t> LOCAL_ROWS, <ptrdiff_t> LOCAL_BYTES // (4 * d))
    if d > 6 * <ptrdiff_t> p.exact.options.max_features or most < 64:
        return True
    local.entries = <uint64_t *> malloc(most * sizeof(uint64_t))
    local.ranks = <uint32_t *> malloc((most * d + 1) * sizeof(uint32_t))
    local.label = <int32_t *> malloc(most * outputs * sizeof(int32_t))
    local.y = <double *> malloc(most * outputs * sizeof(double))
    local.weight = <double *> malloc(most * sizeof(double))
    local.pairs = <double *> malloc(2 * most * sizeof(double))
    local.most = most
    return (
        local.entries != NULL and local.ranks != NULL and local.label != NULL and local.y != NULL
        and local.weight != NULL and local.pairs != NULL
    )


cdef inline bint drawn_work_init(const DrawnProblem *p, DrawnWork *w, ptrdiff_t n) noexcept nogil:
    """For nodes of at most n rows; False where there is no memory."""
    cdef int d = p.exact.n_features, j
    cdef ptrdiff_t m
    memset(w, 0, sizeof(DrawnWork))
    w.n_cells = min(4 * n, <ptrdiff_t> MOST_CELLS)
    m = max(n, w.n_cells) + SMALL
    w.drawn = <uint32_t *> malloc(d * sizeof(uint32_t))
    w.swaps = <int32_t *> malloc(d * sizeof(int32_t))
    w.ranks = <uint32_t *> malloc(n * sizeof(uint32_t))
    w.best_ranks = <uint32_t *> malloc(n * sizeof(uint32_t))
    w.keys = <uint32_t *> malloc(m * sizeof(uint32_t))
    w.spare = <uint32_t *> malloc(m * sizeof(uint32_t))
    w.run = <uint64_t *> malloc(n * sizeof(uint64_t))
    w.spare_run = <uint64_t *> malloc(n * sizeof(uint64_t))
    w.w = <double *> malloc(n * sizeof(double))
    w.y = <double *> malloc(n * sizeof(double))
    w.wy = <double *> malloc(n * sizeof(double))
    w.label = <int32_t *> malloc(n * sizeof(int32_t))
    w.count = <int32_t *> malloc(n * sizeof(int32_t))
    w.a = <double *> malloc(m * sizeof(double))
    w.b = <double *> malloc(m * sizeof(double))
    w.w_left = <double *> malloc(m * sizeof(double))
    w.cells = <double *> malloc(w.n_cells * sizeof(double))
    w.class_counts = <uint64_t *> malloc((p.exact.target.n_classes + 32) * sizeof(uint64_t))
    if (
        w.drawn == NULL or w.swaps == NULL or w.ranks == NULL or w.best_ranks == NULL or w.keys == NULL
        or w.spare == NULL or w.run == NULL or w.spare_run == NULL or w.w == NULL or w.y == NULL or w.wy == NULL
        or w.label == NULL or w.count == NULL or w.a == NULL or w.b == NULL or w.w_left == NULL or w.cells == NULL
        or w.class_counts == NULL
    ):
        return False
    for j in range(d):
        w.drawn[j] = j
    return local_init(p, &w.local) and work_init(&p.exact, &w.base, n)


cdef inline void drawn_work_free(DrawnWork *w) noexcept nogil:
    free(w.drawn)
    free(w.swaps)
    free(w.ranks)
    free(w.best_ranks)
    free(w.keys)
    free(w.spare)
    free(w.run)
    free(w.spare_run)
    free(w.w)
    free(w.y)
    free(w.wy)
    free(w.label)
    free(w.count)
    free(w.a)
    free(w.b)
    free(w.w_left)
    free(w.cells)
    free(w.class_counts)
    free(w.local.entries)
    free(w.local.ranks)
    free(w.local.label)
    free(w.local.y)
    free(w.local.weight)
    free(w.local.pairs)
    work_free(&w.base)


cdef inline uint64_t *rows_of(const DrawnProblem *p, const ptrdiff_t begin) noexcept nogil:
    return p.exact.entries + begin


cdef inline const DrawnProblem *copy_rows(
    const DrawnProblem *p, LocalRows *local, ptrdiff_t begin, ptrdiff_t n
) noexcept nogil:
    """The problem of n <= local.most rows alone, which are numbered anew."""
    cdef const uint64_t *rows = rows_of(p, begin)
    cdef const Target *t = &p.exact.target
    cdef ptrdiff_t i, j, row
    cdef const uint16_t *column16
    cdef const uint32_t *column32
    cdef DrawnProblem *out = &local.problem
    out[0] = p[0]
    out.exact.entries = local.entries
    out.exact.n = n
    if p.ranks16 != NULL:
        out.ranks16 = <uint16_t *> local.ranks
    else:
        out.ranks32 = local.ranks
    out.stride = n
    out.padded = True
    out.exact.target.n = n
    out.exact.target.label = NULL if t.label == NULL else local.label
    out.exact.target.y = NULL if t.y == NULL else local.y
    out.exact.target.weight = NULL if t.weight == NULL else local.weight
    out.exact.target.pairs = NULL if t.pairs == NULL else local.pairs
    for j in range(p.exact.n_features):
        if p.ranks16 != NULL:
            column16 = p.ranks16 + j * p.stride
            for i in range(n):
                (<uint16_t *> local.ranks)[j * n + i] = column16[row_of(rows[i])]
        else:
            column32 = p.ranks32 + j * p.stride
            for i in range(n):
                local.ranks[j * n + i] = column32[row_of(rows[i])]
    for i in range(n):
        row = row_of(rows[i])
        local.entries[i] = (rows[i] >> 32 << 32) | <uint64_t> i
        if p.fast == OF_COUNTS:     # all is in the entries, but for columns of categories and such
            local.label[i] = <int32_t> (rows[i] >> 32 & 0xFFFF)
            local.weight[i] = <double> (rows[i] >> 48)
            if t.y != NULL:
                local.y[i] = local.label[i]
                local.pairs[2 * i] = local.weight[i]
                local.pairs[2 * i + 1] = local.weight[i] * local.y[i]
            continue
        for j in range(t.n_outputs):
            if t.label != NULL:
                local.label[j * n + i] = t.label[j * t.n + row]
            if t.y != NULL:
                local.y[j * n + i] = t.y[j * t.n + row]
        if t.weight != NULL:
            local.weight[i] = t.weight[row]
        if t.pairs != NULL:
            local.pairs[2 * i] = t.pairs[2 * row]
            local.pairs[2 * i + 1] = t.pairs[2 * row + 1]
    return out


cdef inline void load_targets(const DrawnProblem *p, DrawnWork *w, const uint64_t *rows, ptrdiff_t n) noexcept nogil:
    """Weights and targets of a node's rows side by side, once for all columns drawn."""
    cdef ptrdiff_t i
    cdef const double *weight = p.exact.target.weight
    if p.fast == OF_COUNTS:
        for i in range(n):
            w.label[i] = <int32_t> (rows[i] >> 32 & 0xFFFF)
            w.count[i] = <int32_t> (rows[i] >> 48)
    elif p.fast == OF_NUMBERS:
        for i in range(n):
            w.w[i] = weight[row_of(rows[i])] if weight != NULL else 1.0
            w.y[i] = p.exact.target.y[row_of(rows[i])]
            w.wy[i] = w.w[i] * w.y[i]
