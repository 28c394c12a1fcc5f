"""Metrics: reduced distances of two rows, of rows and boxes, of two boxes; the phrases stand in simd/metrics.h."""

from libc.stdint cimport int32_t


cdef extern from "metrics.h" nogil:
    enum:
        FASTML_EUCLIDEAN
        FASTML_MANHATTAN
        FASTML_CHEBYSHEV
        FASTML_MINKOWSKI
        FASTML_SEUCLIDEAN
        FASTML_N_BOXED      # kinds below have bounds by boxes
        FASTML_MAHALANOBIS
        FASTML_HAVERSINE
        FASTML_HAMMING
        FASTML_CANBERRA
        FASTML_BRAYCURTIS
        FASTML_JACCARD
        FASTML_DICE
        FASTML_ROGERSTANIMOTO
        FASTML_RUSSELLRAO
        FASTML_SOKALSNEATH
        FASTML_OWN
        FASTML_N_METRICS

    ctypedef double (*fastml_row_distance)(const double *a, const double *b, ptrdiff_t d) noexcept nogil

    struct fastml_metric:
        int32_t kind
        double p
        const double *weight
        fastml_row_distance own

    double fastml_add_term(const fastml_metric *m, double total, double apart, ptrdiff_t c)
    double fastml_haversine_reduced(const double *a, const double *b)
    double fastml_reduced(const fastml_metric *m, const double *a, const double *b, ptrdiff_t d)
    double fastml_distance_of(const fastml_metric *m, double reduced)
    double fastml_reduced_of(const fastml_metric *m, double distance)
    double fastml_box_least(const fastml_metric *m, const double *x, const double *box, ptrdiff_t d)
    double fastml_box_most(const fastml_metric *m, const double *x, const double *box, ptrdiff_t d)
    double fastml_boxes_least(const fastml_metric *m, const double *a, const double *b, ptrdiff_t d)
    double fastml_boxes_most(const fastml_metric *m, const double *a, const double *b, ptrdiff_t d)
