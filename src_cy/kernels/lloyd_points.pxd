"""Points and centres as the kernels of Lloyd's algorithm read them, from fastml.cluster.kmeans.points."""

cimport numpy as cnp
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t

from simd.lloyd cimport FASTML_F32, FASTML_F64, FASTML_LLOYD_PANEL, FASTML_U8, fastml_centres, fastml_points


cdef inline int kind_of(object X) except -1:
    """FASTML_F32, FASTML_F64 or FASTML_U8; ValueError for what kernels cannot read."""
    cdef cnp.ndarray array
    if not cnp.PyArray_Check(X):
        raise ValueError("X must be an array")
    array = X
    if array.ndim != 2 or not cnp.PyArray_IS_C_CONTIGUOUS(array) or not cnp.PyArray_ISALIGNED(array) \
            or not cnp.PyArray_ISNOTSWAPPED(array) or array.shape[1] < 1:
        raise ValueError("X must be an aligned 2-D array in C order")
    if array.descr.type_num == cnp.NPY_FLOAT:
        return FASTML_F32
    if array.descr.type_num == cnp.NPY_DOUBLE:
        return FASTML_F64
    if array.descr.type_num == cnp.NPY_UBYTE:
        return FASTML_U8
    raise ValueError("X must hold float32, float64 or uint8")


cdef inline int read_points(object points, fastml_points *out) except -1:
    """The fields of fastml.cluster.kmeans.points.Points; the object must outlive `out`."""
    cdef object X = points.X
    cdef const double[::1] offset = points.offset, scale = points.scale, weight
    out.kind = kind_of(X)
    out.x = cnp.PyArray_DATA(<cnp.ndarray> X)
    out.d = X.shape[1]
    if offset.shape[0] != out.d or scale.shape[0] != out.d:
        raise ValueError(f"offset and scale must have {out.d} numbers")
    out.offset, out.scale = &offset[0], &scale[0]
    out.weight = NULL
    if points.weight is not None:
        weight = points.weight
        if weight.shape[0] != X.shape[0]:
            raise ValueError(f"weight must have {X.shape[0]} numbers")
        if weight.shape[0]:
            out.weight = &weight[0]
    out.weight_scale, out.unit = points.weight_scale, points.unit
    return 0


cdef inline int read_centres(object centres, ptrdiff_t d, fastml_centres *out) except -1:
    """The fields of fastml.cluster.kmeans.points.Centres; the object must outlive `out`."""
    cdef const double[:, ::1] values = centres.values
    cdef const float[::1] panels = centres.panels, half_sq = centres.half_sq
    cdef ptrdiff_t n_panels
    out.k = values.shape[0]
    n_panels = (out.k + FASTML_LLOYD_PANEL - 1) // FASTML_LLOYD_PANEL
    if out.k < 1 or values.shape[1] != d or panels.shape[0] != n_panels * d * FASTML_LLOYD_PANEL \
            or half_sq.shape[0] != n_panels * FASTML_LLOYD_PANEL:
        raise ValueError(f"centres must have {d} columns and panels that fit them")
    out.centre, out.panels, out.half_sq = &values[0, 0], &panels[0], &half_sq[0]
    out.radius = centres.radius
    return 0
