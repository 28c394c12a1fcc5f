"""A chunk of rows to codes, a tile of columns at a time, into the column layout and from there into the rows."""

from libc.stdint cimport int64_t, uint8_t

from kernels.column_view cimport ColumnView, side_by_side, size_of
from kernels.encode_column cimport any_missing, encode_column
from simd.simd cimport fastml_bin_search, fastml_kernels

cdef enum:
    TILE = 16           # columns: one cache line of a row of float32
    CHUNK = 512         # rows: a tile of float32 and its codes stay in a first-level cache
    LINE = 16           # values between the columns of a tile, so that they do not evict each other from the cache
    SCRATCH = TILE * (CHUNK + LINE) + CHUNK


cdef struct EncodeJob:
    const ColumnView *views     # (n_columns,)
    const fastml_bin_search *search
    const uint8_t *level_codes
    const int64_t *level_start
    const int64_t *features     # (n_columns,)
    const uint8_t *byte_codes   # (n_columns, 256)
    uint8_t *by_column          # (n_columns, column_stride)
    uint8_t *by_row             # (n_samples, row_stride) or NULL
    uint8_t *has_missing        # (n_columns,)
    ptrdiff_t n_columns
    ptrdiff_t column_stride
    ptrdiff_t row_stride


cdef inline void encode_chunk(
    const fastml_kernels *simd, const EncodeJob *job, ptrdiff_t first, ptrdiff_t n, double *scratch,
) noexcept nogil:
    """Rows first .. first + n - 1 by tiles of columns: into the column layout, and from there into the rows."""
    cdef ptrdiff_t tile, start, width, j, size, stop = job.n_columns if job.by_row == NULL else job.row_stride
    cdef int64_t f, level
    cdef uint8_t *codes
    cdef ColumnView[TILE] views
    cdef double *conversion = scratch + TILE * (CHUNK + LINE)
    for tile in range((stop + TILE - 1) // TILE):
        start = tile * TILE
        width = max(<ptrdiff_t>0, min(<ptrdiff_t>TILE, job.n_columns - start))
        for j in range(width):
            views[j] = job.views[start + j]
            views[j].data += first * views[j].stride
        if width > 0 and side_by_side(views, width):  # each cache line of the rows is read once
            size = size_of(views[0].kind)
            simd.columns_from_rows(
                views[0].data, views[0].stride, n, width, size, <char *>scratch, size * (CHUNK + LINE))
            for j in range(width):
                views[j].data = <char *>scratch + j * size * (CHUNK + LINE)
                views[j].stride = size
        for j in range(start, start + width):
            f = job.features[j]
            level = job.level_start[f]
            codes = job.by_column + j * job.column_stride + first
            encode_column(
                simd, &views[j - start], &job.search[f], job.level_codes + level, job.level_start[f + 1] - level,
                job.byte_codes + 256 * j, n, conversion, codes,
            )
            if any_missing(codes, n):
                job.has_missing[j] = 1
        if job.by_row != NULL:
            simd.rows_from_columns(
                job.by_column + start * job.column_stride + first, job.column_stride, width, n,
                job.by_row + first * job.row_stride + start, job.row_stride,
                min(<ptrdiff_t>TILE, job.row_stride - start),
            )


cdef inline void rows_of_chunk(
    const fastml_kernels *simd, const uint8_t *columns, ptrdiff_t column_stride, ptrdiff_t n_columns,
    ptrdiff_t n, uint8_t *rows_out, ptrdiff_t row_stride,
) noexcept nogil:
    cdef ptrdiff_t tile, start
    for tile in range((row_stride + TILE - 1) // TILE):
        start = tile * TILE
        simd.rows_from_columns(
            columns + start * column_stride, column_stride,
            max(<ptrdiff_t>0, min(<ptrdiff_t>TILE, n_columns - start)), n,
            rows_out + start, row_stride, min(<ptrdiff_t>TILE, row_stride - start),
        )
