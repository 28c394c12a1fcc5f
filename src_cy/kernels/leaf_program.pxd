"""A grown tree as a Boolean program that finds the leaves of a block of rows from their codes."""

from libc.stdint cimport int32_t, uint8_t

from kernels.tree_program cimport FIRST_CONDITION, MAX_NODES, PLANES, ProgramScratch, write_program
from simd.simd cimport fastml_bit_tree, fastml_select
from types cimport Node

cdef enum:
    MAX_SPLITS = MAX_NODES // 2
    MAX_VECTORS = FIRST_CONDITION + MAX_SPLITS + MAX_SPLITS * PLANES


cdef struct LeafProgram:
    fastml_bit_tree tree
    fastml_select select[MAX_SPLITS * PLANES]
    int32_t node_of[256]            # of a leaf's number
    int32_t split_of[MAX_SPLITS]    # the node whose condition this is
    uint8_t threshold[MAX_SPLITS]   # of a condition on a number
    int32_t condition[MAX_NODES]
    int n_conditions
    ProgramScratch scratch


cdef inline void write_leaf_program(
    const Node *nodes,
    int n_nodes,
    const int32_t *key_of,          # (n_nodes,)  splits of one key are taken together
    LeafProgram *out,
) noexcept nogil:
    """Of one tree, 1 < n_nodes <= MAX_NODES."""
    cdef int node, c, n = 0
    for node in range(n_nodes):
        if nodes[node].left != 0:
            c = n
            while c > 0 and key_of[out.split_of[c - 1]] > key_of[node]:
                out.split_of[c] = out.split_of[c - 1]
                c -= 1
            out.split_of[c] = node
            n += 1
    for c in range(n):
        out.condition[out.split_of[c]] = c
    out.n_conditions = n
    out.tree.select_begin = 0
    out.tree.table = 0
    write_program(
        nodes, n_nodes, out.condition, FIRST_CONDITION + n, out.select, &out.tree, out.node_of, &out.scratch
    )
