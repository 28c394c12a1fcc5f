"""What Cython sees of brute.h: rows, screens, sinks."""

from libc.stdint cimport int32_t, int64_t

from kernels.distances cimport fastml_metric


cdef extern from "brute.h" nogil:
    enum:
        FASTML_PANEL
        FASTML_TILE
        FASTML_SPARSE_TILE
        FASTML_SCREEN_NONE
        FASTML_SCREEN_SQUARES
        FASTML_SCREEN_ABSOLUTE
        FASTML_SCREEN_LARGEST
        FASTML_SCREEN_UNEQUAL
        FASTML_SINK_NEAREST
        FASTML_SINK_LIST
        FASTML_SINK_COUNT

    struct fastml_brute_rows:
        ptrdiff_t n
        ptrdiff_t d
        const float *single
        const double *wide
        const int64_t *start
        const int32_t *columns
        const double *inverse_norm
        const float *screened
        const float *bias
        const double *own

    struct fastml_brute_screen:
        int32_t kind
        ptrdiff_t m
        double factor
        double power
        double scale

    struct fastml_brute_sink:
        int32_t mode
        int32_t failed
        double bound
        int64_t self
        int64_t count
        int64_t k
        double *reduced
        int64_t *rows

    struct fastml_brute_kernels:
        void (*run)(
            const fastml_metric *metric, const fastml_brute_screen *screen, const fastml_brute_rows *points,
            const fastml_brute_rows *queries, ptrdiff_t begin, ptrdiff_t end, fastml_brute_sink *sinks, void *room
        ) noexcept nogil
        void (*run_sparse)(
            const fastml_metric *metric, const fastml_brute_screen *screen, const fastml_brute_rows *points,
            const fastml_brute_rows *queries, ptrdiff_t begin, ptrdiff_t end, fastml_brute_sink *sinks, int32_t *slots,
            float *panel
        ) noexcept nogil
        void (*offer_row)(const double *distances, ptrdiff_t n, fastml_brute_sink *sink) noexcept nogil

    size_t fastml_brute_room(ptrdiff_t d)
    const fastml_brute_kernels *fastml_brute_kernels_chosen()
