"""What the growth of a multiway tree is given, and the memory that it works in."""

from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from kernels.multiway_gain cimport Worth
from kernels.multiway_merge cimport Groups, Member, Moments
from kernels.multiway_nodes cimport NO_MEMORY, Cells, Column, Options, Pending, Target, Tree, free_runs

cdef struct Problem:
    Column *columns                 # (n_features,)
    int n_features
    ptrdiff_t n_samples
    int32_t most_levels             # of those that are counted in tables
    Options o
    Target target

cdef struct Work:
    Tree tree
    Cells cells
    Groups groups
    Worth *worths                   # (n_features,)
    uint8_t *used                   # (n_features,) nominal columns split above the node
    int32_t *branch                 # (most levels + 1,) of the best column
    int32_t *best_into              # (most levels + 1,) CHAID: groups of the best column
    int32_t *entries                # (most levels + 1,) levels that the split knows, ascending
    int32_t n_entries
    double *scratch                 # (2 width,)
    uint64_t *keys                  # (2 n_samples,)
    Pending *stack                  # nodes that wait
    ptrdiff_t n_stack, room
    ptrdiff_t rows_done             # since Ctrl-C was looked for


cdef inline void *take(size_t count, size_t size, bint *failed) noexcept nogil:
    cdef void *memory = calloc(count, size)
    failed[0] = failed[0] or memory == NULL
    return memory


cdef inline int work_init(const Problem *p, Work *w) noexcept nogil:
    """0, or NO_MEMORY; work_free either way."""
    cdef size_t levels = p.most_levels + 2, width = p.target.width
    cdef bint failed = False
    memset(w, 0, sizeof(Work))
    w.cells.sums = <double *> take(levels * width, sizeof(double), &failed)
    w.cells.total = <double *> take(levels, sizeof(double), &failed)
    w.cells.touched = <int32_t *> take(levels, sizeof(int32_t), &failed)
    w.groups.sums = <double *> take(levels * width, sizeof(double), &failed)
    w.groups.total = <double *> take(levels, sizeof(double), &failed)
    w.groups.order = <int32_t *> take(levels, sizeof(int32_t), &failed)
    w.groups.into = <int32_t *> take(levels, sizeof(int32_t), &failed)
    w.groups.partner = <int32_t *> take(levels, sizeof(int32_t), &failed)
    w.groups.likeness = <double *> take(levels, sizeof(double), &failed)
    w.groups.f_cut = <double *> take(levels, sizeof(double), &failed)
    w.groups.row = <double *> take(levels + 1, sizeof(double), &failed)
    w.groups.moments = <Moments *> take(levels, sizeof(Moments), &failed)
    w.groups.members = <Member *> take(levels, sizeof(Member), &failed)
    w.groups.halves = <double *> take(2 * width, sizeof(double), &failed)
    w.worths = <Worth *> take(p.n_features, sizeof(Worth), &failed)
    w.used = <uint8_t *> take(p.n_features, 1, &failed)
    w.branch = <int32_t *> take(levels, sizeof(int32_t), &failed)
    w.best_into = <int32_t *> take(levels, sizeof(int32_t), &failed)
    w.entries = <int32_t *> take(levels, sizeof(int32_t), &failed)
    w.scratch = <double *> take(2 * width, sizeof(double), &failed)
    w.keys = <uint64_t *> take(2 * p.n_samples + 1, sizeof(uint64_t), &failed)
    return NO_MEMORY if failed else 0


cdef inline void work_free(Work *w) noexcept nogil:
    free(w.cells.sums)
    free(w.cells.total)
    free(w.cells.touched)
    free(w.groups.sums)
    free(w.groups.total)
    free(w.groups.order)
    free(w.groups.into)
    free(w.groups.partner)
    free(w.groups.likeness)
    free(w.groups.f_cut)
    free(w.groups.row)
    free(w.groups.moments)
    free(w.groups.members)
    free(w.groups.halves)
    free(w.worths)
    free(w.used)
    free(w.branch)
    free(w.best_into)
    free(w.entries)
    free(w.scratch)
    free(w.keys)
    if w.stack != NULL:
        free_runs(w.stack, w.n_stack)
    free(w.stack)
    free(w.tree.nodes)
    free(w.tree.values)
    free(w.tree.centres)
    free(w.tree.levels)
    free(w.tree.branches)
