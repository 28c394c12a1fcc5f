"""A tree whose nodes are bounded by boxes or by balls: what one query asks of it, by any metric."""

from libc.math cimport INFINITY, isfinite
from libc.stdint cimport int32_t

from kernels.distances cimport (
    FASTML_HAVERSINE, FASTML_N_BOXED, fastml_box_least, fastml_box_most, fastml_distance_of, fastml_metric,
    fastml_reduced,
)
from kernels.metric_of cimport read_metric


cdef struct BoundedTree:
    Py_ssize_t n
    Py_ssize_t d
    int depth
    const int32_t *order
    const int32_t *lowest
    const double *points        # (n, d) in the order
    const double *boxes         # (n_nodes, 2, d), or NULL: balls
    const double *centres       # (n_nodes, d)
    const double *radii         # (n_nodes,); infinity where the triangle inequality does not hold
    fastml_metric metric


cdef inline int bind_tree(tree, BoundedTree *out) except -1:
    """Point into the arrays of a BallTree, which must stay alive as long as `out`; boxes where the metric has them."""
    cdef const double[:, ::1] points = tree.points, centres
    cdef const int32_t[::1] order = tree.order, lowest = tree.lowest
    cdef const double[:, :, ::1] boxes = tree.boxes
    cdef const double[::1] radii
    cdef Py_ssize_t n_nodes = lowest.shape[0]
    out.n, out.d, out.depth = points.shape[0], points.shape[1], tree.depth
    if order.shape[0] != out.n or n_nodes != ((<Py_ssize_t> 2) << out.depth) - 1 or boxes.shape[0] != n_nodes \
            or boxes.shape[2] != out.d:
        raise ValueError("the arrays of the tree do not belong together: it is damaged")
    read_metric(tree.metric, &out.metric)
    out.order, out.lowest, out.points = &order[0], &lowest[0], &points[0, 0]
    out.boxes = out.centres = out.radii = NULL
    if out.metric.kind < FASTML_N_BOXED:
        out.boxes = &boxes[0, 0, 0]
        return 0
    centres, radii = tree.centres, tree.radii
    if centres.shape[0] != n_nodes or centres.shape[1] != out.d or radii.shape[0] != n_nodes:
        raise ValueError("the balls of the tree do not belong to it: it is damaged")
    out.centres, out.radii = &centres[0, 0], &radii[0]
    return 0


cdef inline Py_ssize_t level_of(Py_ssize_t node) noexcept nogil:
    cdef Py_ssize_t level = 0
    while ((<Py_ssize_t> 2) << level) - 1 <= node:
        level += 1
    return level


cdef inline Py_ssize_t node_begin(const BoundedTree *tree, Py_ssize_t node) noexcept nogil:
    cdef Py_ssize_t level = level_of(node)
    return (tree.n * (node + 1 - ((<Py_ssize_t> 1) << level))) >> level


cdef inline Py_ssize_t node_end(const BoundedTree *tree, Py_ssize_t node) noexcept nogil:
    cdef Py_ssize_t level = level_of(node)
    return (tree.n * (node + 2 - ((<Py_ssize_t> 1) << level))) >> level


cdef inline double slack(const BoundedTree *tree, double size) noexcept nogil:
    """What rounding may add to sums of distances of this size; an arc near half the globe has 1e-8 of it."""
    return 1e-12 * size + (4e-8 if tree.metric.kind == FASTML_HAVERSINE else 0.0)


cdef inline double bound_of(const BoundedTree *tree, double reduced) noexcept nogil:
    """A reduced distance on the scale of `least` and `most`: itself for boxes, the distance for balls."""
    return reduced if tree.boxes != NULL else fastml_distance_of(&tree.metric, reduced)


cdef inline double least(const BoundedTree *tree, Py_ssize_t node, const double *x) noexcept nogil:
    """No point of the node is nearer to x; on the scale of `bound_of`."""
    cdef double centre, radius
    if tree.boxes != NULL:
        return fastml_box_least(&tree.metric, x, tree.boxes + 2 * tree.d * node, tree.d)
    radius = tree.radii[node]
    if not isfinite(radius):
        return 0.0
    centre = fastml_distance_of(&tree.metric, fastml_reduced(&tree.metric, x, tree.centres + tree.d * node, tree.d))
    if not isfinite(centre):
        return 0.0
    return max(centre - radius - slack(tree, centre + radius), 0.0)


cdef inline double most(const BoundedTree *tree, Py_ssize_t node, const double *x) noexcept nogil:
    """No point of the node is farther from x; on the scale of `bound_of`."""
    cdef double centre, radius
    if tree.boxes != NULL:
        return fastml_box_most(&tree.metric, x, tree.boxes + 2 * tree.d * node, tree.d)
    radius = tree.radii[node]
    if not isfinite(radius):
        return INFINITY
    centre = fastml_distance_of(&tree.metric, fastml_reduced(&tree.metric, x, tree.centres + tree.d * node, tree.d))
    return centre + radius + slack(tree, centre + radius)


cdef inline Py_ssize_t push_children(
    const BoundedTree *tree, Py_ssize_t node, const double *x, Py_ssize_t *waiting, double *near, Py_ssize_t n
) noexcept nogil:
    """Both children onto a stack of n nodes, with what they are at least away, the nearer one on top; the new n."""
    cdef double left = least(tree, 2 * node + 1, x), right = least(tree, 2 * node + 2, x)
    cdef Py_ssize_t right_first = right < left
    waiting[n] = 2 * node + 2 - right_first
    near[n] = left if right_first else right
    waiting[n + 1] = 2 * node + 1 + right_first
    near[n + 1] = right if right_first else left
    return n + 2


cdef inline double reduced_to(const BoundedTree *tree, Py_ssize_t place, const double *x) noexcept nogil:
    return fastml_reduced(&tree.metric, x, tree.points + place * tree.d, tree.d)
