"""Between two rounds of boosting: raw predictions take up the last trees, and the loss is differentiated there.

One pass, a block of rows at a time: raw += value of the row's leaf, y and raw through the block kernel in
float64, gradient and hessian out in float32 with their sums. Limit: about 40 bytes moved a row and output.
"""

from cython.parallel cimport prange
from libc.math cimport isfinite
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from kernels.deal cimport run_blocks
from simd.simd cimport FASTML_BLOCK, fastml_kernels, fastml_loss_block, fastml_simd

import numpy as np

cdef enum:
    MAX_PARAMS = 8


def builtin_losses() -> dict:
    """Addresses of the built-in block kernels, by name."""
    return {
        "squared_error": <size_t> fastml_simd().squared_error,
        "binary_logistic": <size_t> fastml_simd().binary_logistic,
        "absolute_error": <size_t> fastml_simd().absolute_error,
        "quantile": <size_t> fastml_simd().quantile,
        "huber": <size_t> fastml_simd().huber,
        "exponential": <size_t> fastml_simd().exponential,
    }


cdef class LossGradients:
    """Raw predictions, gradients and hessians of a boosting fit; see loss_gradients.pyi."""

    cdef readonly object raw, grad, hess, stats, leaf_of
    cdef const fastml_kernels *simd
    cdef fastml_loss_block loss
    cdef double param[MAX_PARAMS]
    cdef double softmax_factor
    cdef int n_outputs, n_threads
    cdef ptrdiff_t n
    cdef const float[::1] y32
    cdef const double[::1] y64
    cdef const double[::1] weight
    cdef double[:, ::1] raw_view
    cdef float[:, ::1] grad_view
    cdef float[:, ::1] hess_view
    cdef double[:, ::1] stats_view
    cdef double[:, :, ::1] block_stats
    cdef int32_t[:, ::1] leaf_view

    def __cinit__(
        self, y, weight, double[:, ::1] raw, size_t loss, params=(), bint constant_hessian=False,
        double softmax_factor=2.0, int n_threads=1,
    ):
        cdef int k = raw.shape[0]
        self.simd = fastml_simd()
        self.n = raw.shape[1]
        self.n_outputs = k
        self.n_threads = n_threads
        self.loss = <fastml_loss_block> loss
        self.softmax_factor = softmax_factor
        self.set_params(params)
        self.y32 = y if y.dtype == np.float32 else None
        self.y64 = None if y.dtype == np.float32 else y
        self.weight = weight
        self.raw = np.asarray(raw)
        self.grad = np.empty((k, self.n), np.float32)
        self.hess = None if constant_hessian else np.empty((k, self.n), np.float32)
        self.stats = np.zeros((k, 5))
        self.leaf_of = np.zeros((k, self.n), np.int32)
        self.raw_view = raw
        self.grad_view = self.grad
        self.hess_view = self.hess
        self.stats_view = self.stats
        self.leaf_view = self.leaf_of
        self.block_stats = np.zeros(((self.n + FASTML_BLOCK - 1) // FASTML_BLOCK, k, 5))

    def set_params(self, params):
        """The loss's own numbers from now on."""
        cdef int i
        if len(params) > MAX_PARAMS:
            raise ValueError(f"a loss has at most {MAX_PARAMS} parameters, got {len(params)}")
        for i, value in enumerate(params):
            self.param[i] = value

    def differentiate(self, const double[:, ::1] leaf_values):
        """raw[k] += leaf_values[k, leaf_of[k]] (None: nothing), then grad, hess and stats at raw."""
        cdef ptrdiff_t block, n_blocks = self.block_stats.shape[0], run = run_blocks(self.n, self.n_threads)
        for block in prange(n_blocks, nogil=True, num_threads=self.n_threads, schedule="static", chunksize=run):
            self.one_block(block, leaf_values)
        self.sum_stats()

    def take_up(self, const double[:, ::1] leaf_values):
        """raw[k] += leaf_values[k, leaf_of[k]] alone."""
        cdef ptrdiff_t block, n_blocks = self.block_stats.shape[0], run = run_blocks(self.n, self.n_threads)
        for block in prange(n_blocks, nogil=True, num_threads=self.n_threads, schedule="static", chunksize=run):
            self.add_leaves(block * FASTML_BLOCK, min(<ptrdiff_t> FASTML_BLOCK, self.n - block * FASTML_BLOCK),
                            leaf_values)

    def accept(self, const double[:, ::1] grad, const double[:, ::1] hess):
        """Take gradients and hessians (n_outputs, n) that were computed outside; leaf values are up to date."""
        cdef ptrdiff_t block, first
        cdef int k
        for block in range(self.block_stats.shape[0]):
            first = block * FASTML_BLOCK
            for k in range(self.n_outputs):
                self.store(
                    block, k, first, min(<ptrdiff_t> FASTML_BLOCK, self.n - first), &grad[k, first], &hess[k, first]
                )
        self.sum_stats()

    cdef void add_leaves(self, ptrdiff_t first, ptrdiff_t size, const double[:, ::1] leaf_values) noexcept nogil:
        cdef int k
        for k in range(self.n_outputs):
            self.simd.add_leaf_values(
                &self.leaf_view[k, first], &leaf_values[k, 0], size, &self.raw_view[k, first]
            )

    cdef void one_block(self, ptrdiff_t block, const double[:, ::1] leaf_values) noexcept nogil:
        cdef double y[FASTML_BLOCK]
        cdef ptrdiff_t first = block * FASTML_BLOCK
        cdef ptrdiff_t size = min(<ptrdiff_t> FASTML_BLOCK, self.n - first)
        if leaf_values is not None:
            self.add_leaves(first, size, leaf_values)
        if self.y64 is not None:
            memcpy(y, &self.y64[first], size * sizeof(double))
        else:
            self.simd.widen(&self.y32[first], size, y)
        if self.loss == NULL:
            self.softmax_block(block, first, size, y)
        else:
            self.scalar_block(block, first, size, y)

    cdef void scalar_block(self, ptrdiff_t block, ptrdiff_t first, ptrdiff_t size, const double *y) noexcept nogil:
        cdef double grad[FASTML_BLOCK]
        cdef double hess[FASTML_BLOCK]
        self.loss(y, &self.raw_view[0, first], grad, hess, size, self.param)
        self.store(block, 0, first, size, grad, hess)

    cdef void softmax_block(self, ptrdiff_t block, ptrdiff_t first, ptrdiff_t size, const double *y) noexcept nogil:
        cdef double grad[FASTML_BLOCK]
        cdef double hess[FASTML_BLOCK]
        cdef double inverse_sum[FASTML_BLOCK]
        cdef int k
        self.simd.softmax_exp(
            &self.raw_view[0, first], self.n, self.n_outputs, size, &self.grad_view[0, first], inverse_sum
        )
        for k in range(self.n_outputs):
            self.simd.softmax_class(
                y, &self.grad_view[k, first], inverse_sum, k, self.softmax_factor, size, grad, hess
            )
            self.store(block, k, first, size, grad, hess)

    cdef void store(
        self, ptrdiff_t block, int k, ptrdiff_t first, ptrdiff_t size, const double *grad, const double *hess
    ) noexcept nogil:
        self.simd.store_gradients(
            grad, hess, NULL if self.weight is None else &self.weight[first], size, &self.grad_view[k, first],
            NULL if self.hess_view is None else &self.hess_view[k, first], &self.block_stats[block, k, 0],
        )

    cdef int sum_stats(self) except -1:
        """Blocks in order, so that the sums do not depend on the threads."""
        cdef ptrdiff_t block
        cdef int k, s
        self.stats_view[:, :] = 0.0
        for block in range(self.block_stats.shape[0]):
            for k in range(self.n_outputs):
                for s in range(3):
                    self.stats_view[k, s] += self.block_stats[block, k, s]
                for s in range(3, 5):
                    self.stats_view[k, s] = max(self.stats_view[k, s], self.block_stats[block, k, s])
        for k in range(self.n_outputs):
            if not isfinite(self.stats_view[k, 0] + self.stats_view[k, 1]):
                raise FloatingPointError(
                    "the loss has a gradient or hessian that is not a number, or weights whose sum overflows: "
                    "look for it at the raw scores so far, or scale the weights"
                )
        return 0
