"""Walking trees node by node, eight lanes side by side: by order keys of floats, or by codes of a column."""

from libc.stdint cimport INT64_MAX, INT64_MIN, int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from kernels.forest_layout cimport WalkNode

cdef enum:
    LANES = 8  # a step waits about 13 cycles for its loads; eight independent ones fill that time


cdef inline int64_t order_key(double value) noexcept nogil:
    """Integer in the order of the floats: -inf < ... < -0 = 0 < ... < inf, strictly between INT64_MIN and MAX."""
    cdef int64_t bits
    value = value + 0.0  # -0.0 becomes 0.0
    memcpy(&bits, &value, sizeof(bits))
    return bits ^ ((bits >> 63) & INT64_MAX)


cdef inline void number_keys(double value, int64_t *keys_out) noexcept nogil:
    """Two keys of a value: [0] for splits that send missing left (NaN lowest), [1] for those right (highest)."""
    cdef int64_t key = order_key(value)
    keys_out[0] = INT64_MIN if value != value else key
    keys_out[1] = INT64_MAX if value != value else key


cdef inline void category_keys(double code, int64_t *keys_out) noexcept nogil:
    """Keys of a category's code; what is no code (NaN, negative, above 255) counts as missing, code 0."""
    keys_out[0] = <int64_t>code if 0.0 <= code < 256.0 else 0
    keys_out[1] = keys_out[0]


cdef inline void walk_keys(
    const WalkNode *nodes,  # (n_nodes,)
    const uint32_t *sets,           # (n_sets, 8)          bit set: the code goes left
    bint has_sets,                  # whether any node is categorical
    const int64_t *keys,            # keys of lane j begin at keys + j * key_stride
    ptrdiff_t key_stride,           # 0: all lanes are one row
    int32_t *at_inout,              # (LANES,)             from root to leaf
) noexcept nogil:
    """Moves eight lanes until all stand on leaves. A leaf leads to itself, so no lane waits on a branch."""
    cdef int32_t at[LANES]
    cdef int32_t there, moved = 1
    cdef const WalkNode *node
    cdef int64_t key
    cdef uint32_t is_set
    cdef int j
    for j in range(LANES):
        at[j] = at_inout[j]
    if has_sets:
        while moved:
            moved = 0
            for j in range(LANES):
                node = nodes + at[j]
                key = keys[j * key_stride + (node.slot & 0x3FFFFFFF)]
                is_set = node.slot >> 31
                if is_set:
                    there = node.left + (1 - <int32_t>((sets[8 * node.threshold + (key >> 5)] >> (key & 31)) & 1))
                else:
                    there = node.left + (key > node.threshold)
                moved |= there ^ at[j]
                at[j] = there
    else:
        while moved:
            moved = 0
            for j in range(LANES):
                node = nodes + at[j]
                there = node.left + (keys[j * key_stride + node.slot] > node.threshold)
                moved |= there ^ at[j]
                at[j] = there
    for j in range(LANES):
        at_inout[j] = at[j]


cdef inline void walk_codes(
    const WalkNode *nodes,   # (n_nodes,)  thresholds are codes
    const uint32_t *sets,           # (n_sets, 8)
    const uint8_t *codes,           # column s of the first row at codes + s * stride
    ptrdiff_t stride,
    int32_t *at_inout,              # (LANES,)             lane j is row j
) noexcept nogil:
    """The same by codes: `code - shift <= threshold` in bytes goes left, so missing (0) goes left or wraps right."""
    cdef int32_t at[LANES]
    cdef int32_t there, moved = 1
    cdef const WalkNode *node
    cdef uint8_t code
    cdef int j
    for j in range(LANES):
        at[j] = at_inout[j]
    while moved:
        moved = 0
        for j in range(LANES):
            node = nodes + at[j]
            code = codes[(node.slot & 0x3FFFFFFF) * stride + j]
            if node.slot >> 31:
                there = node.left + (1 - <int32_t>((sets[8 * node.threshold + (code >> 5)] >> (code & 31)) & 1))
            else:
                there = node.left + (<uint8_t>(code - ((node.slot >> 30) & 1)) > node.threshold)
            moved |= there ^ at[j]
            at[j] = there
    for j in range(LANES):
        at_inout[j] = at[j]
