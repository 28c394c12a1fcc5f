"""Points in the order of a kd-tree whose leaves hold a fixed number of them; only the order is made."""

from libc.stdint cimport int32_t, int64_t

cdef enum:
    SEEN = 128              # points of a node by which its widest coordinate is chosen


cdef inline void swap_pair(float *key, int32_t *row, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    cdef float k = key[i]
    cdef int32_t r = row[i]
    key[i] = key[j]
    key[j] = k
    row[i] = row[j]
    row[j] = r


cdef inline void select_smallest(
    float *key,                 # (n,) in place
    int32_t *row,               # (n,) moves along
    Py_ssize_t n,
    Py_ssize_t wanted,          # this many of the smallest come first
) noexcept nogil:
    """Hoare's selection; equal keys are shared out, so that they cost no more than others. O(n) on average."""
    cdef Py_ssize_t first = 0, last = n - 1, i, j
    cdef float pivot
    while first < last:
        i = first + (last - first) // 2
        if key[i] < key[first]:
            swap_pair(key, row, i, first)
        if key[last] < key[i]:
            swap_pair(key, row, last, i)
            if key[i] < key[first]:
                swap_pair(key, row, i, first)
        pivot = key[i]
        i = first
        j = last
        while i <= j:
            while key[i] < pivot:
                i += 1
            while pivot < key[j]:
                j -= 1
            if i <= j:
                swap_pair(key, row, i, j)
                i += 1
                j -= 1
        if wanted <= j:
            last = j
        elif wanted >= i:
            first = i
        else:
            return


cdef inline int widest_coordinate(
    const float *points,        # (n, stride)
    Py_ssize_t stride,
    int n_dims,
    const int32_t *rows,        # (m,)
    Py_ssize_t m,
) noexcept nogil:
    cdef Py_ssize_t step = (m + SEEN - 1) // SEEN, i
    cdef int j, best = 0
    cdef float low, high, x, widest = -1.0
    for j in range(n_dims):
        low = high = points[rows[0] * stride + j]
        i = step
        while i < m:
            x = points[rows[i] * stride + j]
            low = min(low, x)
            high = max(high, x)
            i += step
        if high - low > widest:
            widest = high - low
            best = j
    return best


cdef inline void order_by_medians(
    const float *points,        # (n, stride) finite numbers
    Py_ssize_t stride,
    int n_dims,                 # >= 1
    int32_t *rows_inout,        # (n,) in: 0 .. n - 1; out: in the order of the leaves
    float *key,                 # (n,) overwritten
    Py_ssize_t n,
    Py_ssize_t leaf_size,
) noexcept nogil:
    """Halves the points by the widest coordinate until leaf_size are left; only the last leaf may hold fewer."""
    cdef Py_ssize_t begin[64]
    cdef Py_ssize_t end[64]
    cdef Py_ssize_t a, b, m, left, i
    cdef int depth = 1, j
    begin[0] = 0
    end[0] = n
    while depth:
        depth -= 1
        a = begin[depth]
        b = end[depth]
        m = (b - a + leaf_size - 1) // leaf_size
        if m <= 1:
            continue
        left = (m + 1) // 2 * leaf_size
        j = widest_coordinate(points, stride, n_dims, rows_inout + a, b - a)
        for i in range(a, b):
            key[i] = points[rows_inout[i] * stride + j]
        select_smallest(key + a, rows_inout + a, b - a, left)
        begin[depth] = a + left
        end[depth] = b
        begin[depth + 1] = a
        end[depth + 1] = a + left
        depth += 2
