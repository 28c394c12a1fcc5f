"""A tree grown by several threads: its top by one, then its subtrees side by side."""

from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from kernels.drawn_nodes cimport DrawnProblem, DrawnWork
from kernels.exact_nodes cimport Grown, reserve_nodes, stays_leaf


cdef inline int list_parts(
    const DrawnProblem *p, const Grown *top, ptrdiff_t few,
    int32_t *parts_out,             # (top.n,)
) noexcept nogil:
    """Leaves of the top that may be split, the largest first, so that threads end together; how many they are. Those of
    more than `few` rows were searched already, and have no cut."""
    cdef int i, k, n = 0
    for i in range(top.n):
        if top.nodes[i].left != 0 or top.nodes[i].n > few or stays_leaf(&p.exact, &top.nodes[i]):
            continue
        k = n
        while k > 0 and top.nodes[parts_out[k - 1]].n < top.nodes[i].n:
            parts_out[k] = parts_out[k - 1]
            k -= 1
        parts_out[k] = i
        n += 1
    return n


cdef inline bint open_part(const DrawnProblem *p, const Grown *top, int node, DrawnWork *w) noexcept nogil:
    """A node of the top as node 0 of w; False where there is no memory."""
    if not reserve_nodes(&p.exact, &w.base.grown, 1):
        return False
    w.base.grown.nodes[0] = top.nodes[node]
    memcpy(w.base.grown.sums, top.sums + <ptrdiff_t> node * p.exact.target.width,
           p.exact.target.width * sizeof(double))
    w.base.grown.n = 1
    w.base.grown.above = top
    w.base.grown.above_node = node
    return True


cdef inline bint keep_part(const DrawnProblem *p, const Grown *grown, Grown *out) noexcept nogil:
    """A copy of what was grown; False where there is no memory."""
    if not reserve_nodes(&p.exact, out, grown.n):
        return False
    memcpy(out.nodes, grown.nodes, grown.n * sizeof(grown.nodes[0]))
    memcpy(out.sums, grown.sums, <size_t> grown.n * p.exact.target.width * sizeof(double))
    out.n = grown.n
    return True


cdef inline bint join_part(const DrawnProblem *p, Grown *top, int node, const Grown *part) noexcept nogil:
    """The subtree of a node behind the nodes of the top; False where there is no memory."""
    cdef int shift = top.n - 1, i
    cdef ptrdiff_t width = p.exact.target.width
    if not reserve_nodes(&p.exact, top, top.n + part.n - 1):
        return False
    for i in range(part.n):
        if part.nodes[i].left != 0:
            part.nodes[i].left += shift
    top.nodes[node] = part.nodes[0]
    memcpy(top.nodes + top.n, part.nodes + 1, (part.n - 1) * sizeof(top.nodes[0]))
    memcpy(top.sums + top.n * width, part.sums + width, (part.n - 1) * width * sizeof(double))
    top.n += part.n - 1
    return True


cdef inline void free_parts(Grown *parts, int n) noexcept nogil:
    cdef int i
    for i in range(n):
        free(parts[i].nodes)
        free(parts[i].sums)
    free(parts)
