"""Whether a CSR matrix holds what it says: a row or column outside would be read from anywhere."""

from libc.stdint cimport int32_t, int64_t

ctypedef fused index_t:
    int32_t
    int64_t


cdef inline int check_csr(
    const index_t[::1] indices, const index_t[::1] indptr, Py_ssize_t n_stored, Py_ssize_t d
) except -1:
    """ValueError where a row or a column would lie outside."""
    cdef Py_ssize_t i
    if indptr.shape[0] < 1 or indptr[0] != 0 or indptr[indptr.shape[0] - 1] != n_stored or indices.shape[0] < n_stored:
        raise ValueError("X is damaged: indptr does not fit its data")
    for i in range(indptr.shape[0] - 1):
        if indptr[i] > indptr[i + 1]:
            raise ValueError(f"X is damaged: indptr falls at row {i}")
    for i in range(n_stored):
        if not 0 <= indices[i] < d:
            raise ValueError(f"X is damaged: an index is {indices[i]}, with {d} columns")
    return 0
