"""What Cython sees of simd.h: the table of kernels chosen for this machine."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t


cdef extern from "simd.h" nogil:
    ctypedef void (*fastml_loss_block)(
        const double *y, const double *raw, double *grad_out, double *hess_out, ptrdiff_t n, const double *param
    ) noexcept nogil

    struct fastml_kernels:
        const char *name

    const fastml_kernels *fastml_simd()
