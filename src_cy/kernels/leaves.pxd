"""The leaves of a grown tree: which rows end in each, and its value.

A leaf's rows lie scattered: two loads and a store from anywhere for each (4.6 ns a row of a million). Many rows are
therefore taken in their order, in blocks, and the tree, as a Boolean program, finds their leaves anew (0.5 ns).
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from kernels.deal cimport first_block, next_block, run_blocks
from kernels.growth cimport Growth, Problem
from kernels.leaf_program cimport LeafProgram, write_leaf_program
from kernels.split cimport leaf_weight
from kernels.tree_program cimport FIRST_CONDITION, MAX_NODES, ONES, ZEROS
from simd.simd cimport FASTML_BLOCK, FASTML_BLOCK_WORDS, FASTML_LEAF_SUMS
from types cimport CategorySet, Split

cdef enum:
    LEAST_ROWS_IN_BLOCKS = 2048     # below, the program takes longer to write than to run


cdef inline int walk(const Problem *problem, const Growth *g, ptrdiff_t row) noexcept nogil:
    """The leaf of a row that was not sampled."""
    cdef int node = 0, code, goes_left
    cdef const Split *split
    while g.nodes[node].left != 0:
        split = &g.growing[node].split
        code = problem.by_column[split.feature * problem.column_stride + row]
        if code == 0:
            goes_left = split.missing_left
        elif split.categorical:
            goes_left = (split.categories.bits[code >> 5] >> (code & 31)) & 1
        else:
            goes_left = code <= split.threshold
        node = g.nodes[node].left + (1 - goes_left)
    return node


cdef inline void prepare_leaves(const Problem *problem, Growth *g) noexcept nogil:
    """Serial: choose how sum_leaves goes about."""
    cdef int32_t key_of[MAX_NODES]  # the column, and whether its codes are shifted
    cdef const Split *split
    cdef int node, c
    g.program = NULL
    if problem.n_samples < LEAST_ROWS_IN_BLOCKS or not 1 < g.n_nodes <= MAX_NODES:
        return
    g.program = g.program_memory
    for node in range(g.n_nodes):
        split = &g.growing[node].split
        key_of[node] = 2 * split.feature + split.missing_left
    write_leaf_program(g.nodes, g.n_nodes, key_of, g.program)
    for c in range(g.program.n_conditions):
        split = &g.growing[g.program.split_of[c]].split
        g.program.threshold[c] = <uint8_t> (split.threshold - (0 if split.missing_left else 1))


cdef inline void sum_leaves(const Problem *problem, Growth *g, int thread, int32_t *leaf_of_out) noexcept nogil:
    """The thread's part in `leaves` and leaf_of_out."""
    if g.program != NULL:
        sum_blocks(problem, g, thread, leaf_of_out)
    else:
        sum_runs(problem, g, thread, leaf_of_out)


cdef inline void mark_right(
    const Problem *problem, const Growth *g, ptrdiff_t first, int n_words, uint64_t *right_out,
) noexcept nogil:
    """Of the block of rows from `first` on, a bit a row and split: whether it goes right."""
    cdef const LeafProgram *program = g.program
    cdef const Split *split
    cdef const Split *other
    cdef const uint8_t *codes
    cdef CategorySet left
    cdef int c = 0, stop
    while c < program.n_conditions:
        split = &g.growing[program.split_of[c]].split
        codes = problem.by_column + split.feature * problem.column_stride + first
        stop = c + 1
        if split.categorical:
            left = split.categories
            left.bits[0] = (left.bits[0] & ~<uint32_t> 1) | <uint32_t> split.missing_left
            problem.simd.member_codes(codes, n_words, <const uint8_t *> &left, right_out + c * FASTML_BLOCK_WORDS)
        else:
            while stop < program.n_conditions:
                other = &g.growing[program.split_of[stop]].split
                if other.feature != split.feature or other.missing_left != split.missing_left:
                    break
                stop += 1
            problem.simd.compare_codes(
                codes, n_words, 0 if split.missing_left else 1, program.threshold + c, stop - c,
                right_out + c * FASTML_BLOCK_WORDS,
            )
        c = stop


cdef inline void sum_blocks(const Problem *problem, Growth *g, int thread, int32_t *leaf_of_out) noexcept nogil:
    """In the order of the rows, block by block."""
    cdef uint64_t *vectors = g.vectors[thread]
    cdef uint8_t number[FASTML_BLOCK]
    cdef int64_t sums[FASTML_LEAF_SUMS]
    cdef ptrdiff_t run = run_blocks(problem.n_samples, g.team), first = first_block(run, thread), size, node
    cdef int n_words, i
    memset(sums, 0, sizeof(sums))
    memset(vectors + ZEROS * FASTML_BLOCK_WORDS, 0, FASTML_BLOCK_WORDS * sizeof(uint64_t))
    memset(vectors + ONES * FASTML_BLOCK_WORDS, 0xFF, FASTML_BLOCK_WORDS * sizeof(uint64_t))
    while first < problem.n_samples:
        size = min(<ptrdiff_t> FASTML_BLOCK, problem.n_samples - first)
        n_words = <int> ((size + 63) // 64)
        mark_right(problem, g, first, n_words, vectors + FIRST_CONDITION * FASTML_BLOCK_WORDS)
        problem.simd.find_leaves(&g.program.tree, g.program.select, vectors, n_words, number)
        problem.simd.sum_numbered(
            number, g.program.node_of, 1 << g.program.tree.n_planes, g.input.grad + first,
            NULL if g.input.leaf_hess == NULL else g.input.leaf_hess + first,
            NULL if g.input.weight == NULL else g.input.weight + first,
            NULL if g.input.sampled == NULL else g.input.sampled + first,
            size, g.leaf_g_scale, g.leaf_h_scale, leaf_of_out + first, sums,
        )
        first = next_block(first, run, g.team)
    for i in range(g.n_nodes):
        g.leaves[thread * g.capacity + i].g = 0
        g.leaves[thread * g.capacity + i].h = 0
    for i in range(FASTML_LEAF_SUMS // 2):
        node = thread * g.capacity + g.program.node_of[i & ((1 << g.program.tree.n_planes) - 1)]
        g.leaves[node].g += sums[2 * i]
        g.leaves[node].h += sums[2 * i + 1]


cdef inline void sum_runs(const Problem *problem, Growth *g, int thread, int32_t *leaf_of_out) noexcept nogil:
    """Leaf by leaf, wherever its rows are."""
    cdef int node
    cdef ptrdiff_t run, deal, first, i
    for node in range(g.n_nodes):
        run = thread * g.capacity + node
        if g.nodes[node].left == 0:
            problem.simd.sum_leaf(
                g.input.grad, g.input.leaf_hess, g.input.weight, g.rows + g.begin[run], g.count[run],
                g.leaf_g_scale, g.leaf_h_scale, node, leaf_of_out, &g.leaves[run].g,
            )
    if g.input.sampled != NULL:
        deal = run_blocks(problem.n_samples, g.team)
        first = first_block(deal, thread)
        while first < problem.n_samples:
            for i in range(first, min(first + FASTML_BLOCK, problem.n_samples)):
                if not g.input.sampled[i]:
                    leaf_of_out[i] = walk(problem, g, i)
            first = next_block(first, deal, g.team)


cdef inline void set_leaf_values(const Problem *problem, Growth *g) noexcept nogil:
    """Serial: Newton's step of each leaf, shrunk by the learning rate."""
    cdef int node, t
    cdef int64_t G, H
    for node in range(g.n_nodes):
        if g.nodes[node].left != 0:
            continue
        G = 0
        H = 0
        for t in range(g.team):
            G += g.leaves[t * g.capacity + node].g
            H += g.leaves[t * g.capacity + node].h
        g.nodes[node].feature = 0
        g.nodes[node].value = problem.options.learning_rate * leaf_weight(
            G / g.leaf_g_scale, H / g.leaf_h_scale, &problem.options
        )
