"""A tree of at most 256 leaves -> a Boolean program that selects, from the leaves up, the bits of the leaf's number.

Every leaf has a pattern of bits, each 0, 1 or free; patterns are disjoint. A node's bit is `right ? right child's :
left child's`, which often needs no work: equal children, a free one, or 0 and 1, when the bit is the condition itself.
"""

from libc.stdint cimport int32_t, uint16_t

from simd.simd cimport fastml_bit_tree, fastml_select
from types cimport Node

cdef enum:
    SLACK = 3
    MAX_NODES = 511   # 256 leaves
    PLANES = 8        # FASTML_MAX_PLANES
    ZEROS = 0         # vectors of each block that hold no condition
    ONES = 1
    FIRST_CONDITION = 2
    FREE = 0xFFFF     # a bit that may be either

cdef struct ProgramScratch:
    uint16_t bits[MAX_NODES][PLANES]   # where each bit of a node's leaf number is to be found
    uint16_t unused[MAX_NODES * PLANES]
    int32_t n_unused, n_used
    uint16_t pattern[MAX_NODES]        # bits of a leaf's number, where known
    uint16_t known[MAX_NODES]
    int32_t n_leaves[MAX_NODES]
    int32_t low[MAX_NODES]  # numbers that belong to a node: low to high - 1
    int32_t high[MAX_NODES]


cdef inline int32_t roundest(int32_t low, int32_t high) noexcept nogil:
    """The number in [low, high] with the most trailing zeros: high without its low bits, while that is not too low."""
    while high > low and (high & (high - 1)) >= low:
        high &= high - 1
    return high


cdef inline int32_t number_leaves(const Node *nodes, int32_t n_nodes, ProgramScratch *s) noexcept nogil:
    """Gives every leaf its pattern; returns the number of bits.

    A node owns a range of numbers and divides it between its children at the roundest number that leaves room for
    the leaves of both. Where there is room to spare that follows the path (bit h says which way a node of height h
    went), most selections vanish, and a leaf that has a range to itself leaves the low bits free. More bits than the
    leaves need spare some selections; what they add to the look-up of the values costs as much.
    """
    cdef int32_t i, left, middle, width, bits = 0
    for i in range(n_nodes - 1, -1, -1):
        left = nodes[i].left
        s.n_leaves[i] = 1 if left == 0 else s.n_leaves[left] + s.n_leaves[left + 1]
    while (1 << bits) < s.n_leaves[0]:
        bits += 1
    s.low[0] = 0
    s.high[0] = 1 << bits
    for i in range(n_nodes):
        left = nodes[i].left
        if left:
            middle = roundest(s.low[i] + s.n_leaves[left], s.high[i] - s.n_leaves[left + 1])
            s.low[left] = s.low[i]
            s.high[left] = s.low[left + 1] = middle
            s.high[left + 1] = s.high[i]
        else:
            middle = roundest(s.low[i], s.high[i] - 1)
            width = 1
            while middle % (2 * width) == 0 and middle + 2 * width <= s.high[i]:
                width *= 2
            s.pattern[i] = middle
            s.known[i] = (1 << bits) - width
    return bits


cdef inline uint16_t select_bit(
    uint16_t right, uint16_t if_left, uint16_t if_right, int32_t first_spare,
    fastml_select *program_out, int32_t *n_out, ProgramScratch *s,
) noexcept nogil:
    """Vector that holds `right ? if_right : if_left`, by a new selection if it must be."""
    cdef uint16_t out
    if if_left == if_right or if_right == FREE:
        return if_left
    if if_left == FREE:
        return if_right
    if if_left == ZEROS and if_right == ONES:
        return right
    if if_left >= first_spare:  # a node's bits are read once, by its parent: their place can be taken
        out = if_left
        if if_right >= first_spare:
            s.unused[s.n_unused] = if_right
            s.n_unused += 1
    elif if_right >= first_spare:
        out = if_right
    elif s.n_unused:
        s.n_unused -= 1
        out = s.unused[s.n_unused]
    else:
        out = first_spare + s.n_used
        s.n_used += 1
    program_out[n_out[0]].right = right
    program_out[n_out[0]].if_left = if_left
    program_out[n_out[0]].if_right = if_right
    program_out[n_out[0]].out = out
    n_out[0] += 1
    return out


cdef inline int32_t write_program(
    const Node *nodes,      # (n_nodes,)   one tree, n_nodes <= MAX_NODES
    int32_t n_nodes,
    const int32_t *condition,     # (n_nodes,)   number of each split's condition
    int32_t first_spare,          # first vector after the conditions
    fastml_select *program_out,   # appended at tree_out.select_begin
    fastml_bit_tree *tree_out,    # select_begin set by the caller
    int32_t *leaf_out,            # (2^n_planes <= 256,)  node of each leaf number
    ProgramScratch *s,
) noexcept nogil:
    """Writes a tree's program; returns the number of spare vectors it needs."""
    cdef int32_t i, left, b, c, n_planes = number_leaves(nodes, n_nodes, s), n = tree_out.select_begin
    s.n_unused = 0
    s.n_used = 0
    for i in range(n_nodes - 1, -1, -1):
        left = nodes[i].left
        for b in range(n_planes):
            if left:
                s.bits[i][b] = select_bit(<uint16_t>(FIRST_CONDITION + condition[i]), s.bits[left][b],
                                          s.bits[left + 1][b], first_spare, program_out, &n, s)
            elif s.known[i] >> b & 1:
                s.bits[i][b] = ONES if s.pattern[i] >> b & 1 else ZEROS
            else:
                s.bits[i][b] = FREE
        if left == 0:
            for c in range(1 << n_planes):
                if (c & s.known[i]) == s.pattern[i]:
                    leaf_out[c] = i
    for b in range(n_planes):
        tree_out.plane[b] = ZEROS if s.bits[0][b] == FREE else s.bits[0][b]
    tree_out.select_end = n
    tree_out.n_planes = n_planes
    return s.n_used
