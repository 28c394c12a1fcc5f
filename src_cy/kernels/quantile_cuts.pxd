"""Where to cut a sorted column into bins of about equal mass, and the edges at the cuts."""

from libc.math cimport INFINITY, isfinite
from libc.stdint cimport int32_t

cdef extern from "<float.h>" nogil:
    const double DBL_MAX


cdef inline double edge_between(double a, double b) noexcept nogil:
    """An edge e with a <= e < b for a < b: halfway, or the largest finite number next to an infinity."""
    cdef double middle
    if isfinite(a) and isfinite(b):
        middle = 0.5 * (a + b)
        if not isfinite(middle):
            middle = 0.5 * a + 0.5 * b
    elif isfinite(a):
        middle = DBL_MAX
    elif isfinite(b):
        middle = -DBL_MAX
    else:
        middle = 0.0
    return middle if a <= middle < b else a


cdef enum:
    MAX_CUTS = 254  # 255 bins, and code 0 for missing, fill a byte


cdef struct Mass:       # of n distinct values, ascending
    const int32_t *first    # (n + 1,) where each value begins among the sorted rows: the mass when each row weighs 1
    const double *below     # (n + 1,) weight of the values before each; or NULL


cdef inline double mass_below(const Mass *mass, int32_t value) noexcept nogil:
    return mass.first[value] if mass.below == NULL else mass.below[value]


cdef inline double mass_between(const Mass *mass, int32_t start, int32_t stop) noexcept nogil:
    return mass_below(mass, stop) - mass_below(mass, start)


cdef struct Segment:    # a run of light values between heavy ones
    int32_t start       # first value
    int32_t stop        # past the last value
    int32_t n_bins


cdef inline bint any_longer(const int32_t *first, int32_t n, double limit) noexcept nogil:
    """Whether some value has at least `limit` rows; a plain loop that the compiler turns into vectors."""
    cdef int32_t i, found = 0, at_least = <int32_t>limit
    for i in range(n):
        found += first[i + 1] - first[i] >= at_least
    return found > 0


cdef inline int find_heavy(
    const Mass *mass,
    int32_t n,
    int max_bins,
    int32_t *heavy_out,         # (max_bins,) values that fill a bin of their own, ascending
) noexcept nogil:
    """A value is heavy when it alone holds the mean mass of the bins that the heavy ones leave to the rest."""
    cdef double rest = mass_below(mass, n), mean
    cdef int n_heavy = -1, found = 0
    cdef int32_t i
    if mass.below == NULL and not any_longer(mass.first, n, rest / max_bins):
        return 0
    while found > n_heavy and found < max_bins - 1:
        n_heavy = found
        mean = rest / (max_bins - n_heavy)
        found = 0
        rest = mass_below(mass, n)
        for i in range(n):
            if mass_between(mass, i, i + 1) >= mean and found < max_bins - 1:
                heavy_out[found] = i
                found += 1
                rest -= mass_between(mass, i, i + 1)
    return found


cdef inline int light_segments(
    const int32_t *heavy,
    int n_heavy,
    int32_t n,
    Segment *segments_out,      # (n_heavy + 1,)
) noexcept nogil:
    cdef int k, n_segments = 0
    cdef int32_t start = 0, stop
    for k in range(n_heavy + 1):
        stop = heavy[k] if k < n_heavy else n
        if stop > start:
            segments_out[n_segments].start = start
            segments_out[n_segments].stop = stop
            segments_out[n_segments].n_bins = 1
            n_segments += 1
        start = stop + 1
    return n_segments


cdef inline void share_bins(
    const Mass *mass,
    Segment *segments,          # n_bins in place
    int n_segments,
    int n_bins,                 # to share out, >= n_segments
) noexcept nogil:
    """One bin each, and every further one to the segment with the most mass a bin (among those with values left)."""
    cdef int k, best
    cdef double each, most
    n_bins -= n_segments
    while n_bins > 0:
        best = -1
        most = -1.0
        for k in range(n_segments):
            each = mass_between(mass, segments[k].start, segments[k].stop) / segments[k].n_bins
            if segments[k].n_bins < segments[k].stop - segments[k].start and each > most:
                most = each
                best = k
        if best < 0:
            return
        if n_segments == 1:
            segments[0].n_bins = min(segments[0].n_bins + n_bins, segments[0].stop - segments[0].start)
            return
        segments[best].n_bins += 1
        n_bins -= 1


cdef inline int cut_segment(
    const Mass *mass,
    Segment segment,
    int32_t *cuts_out,          # (n_bins - 1,) a cut c lies between the values c - 1 and c
) noexcept nogil:
    """Cuts nearest to the quantiles, strictly ascending, and such that every bin keeps a value."""
    cdef int b
    cdef int32_t low = segment.start + 1, high, left, right, middle
    cdef double start = mass_below(mass, segment.start), width = mass_between(mass, segment.start, segment.stop), wanted
    for b in range(1, segment.n_bins):
        wanted = start + width * b / segment.n_bins
        high = segment.stop - (segment.n_bins - b)
        left = low
        right = high
        while left < right:  # the first cut with at least the wanted mass below it
            middle = (left + right) // 2
            if mass_below(mass, middle) < wanted:
                left = middle + 1
            else:
                right = middle
        if left > low and wanted - mass_below(mass, left - 1) <= mass_below(mass, left) - wanted:
            left -= 1
        cuts_out[b - 1] = left
        low = left + 1
    return segment.n_bins - 1


cdef inline int quantile_cuts(
    const Mass *mass,           # every value has some
    int32_t n,
    int max_bins,               # <= MAX_CUTS + 1
    int32_t *cuts_out,          # (max_bins - 1,) ascending
) noexcept nogil:
    """Exactly min(n, max_bins) bins: heavy values alone, the light ones between them in bins of about equal mass."""
    cdef int32_t heavy[MAX_CUTS + 1]
    cdef Segment segments[MAX_CUTS + 2]
    return quantile_cuts_by(mass, n, max_bins, heavy, segments, cuts_out)


cdef inline int quantile_cuts_by(
    const Mass *mass, int32_t n, int max_bins,
    int32_t *heavy,             # (max_bins,) scratch
    Segment *segments,          # (max_bins + 1,) scratch
    int32_t *cuts_out,
) noexcept nogil:
    """quantile_cuts into any number of bins."""
    cdef int32_t cut
    cdef int n_heavy, n_segments, k, lightest, n_cuts = 0
    cdef double lost, least
    if n <= max_bins:
        for k in range(1, n):
            cuts_out[k - 1] = k
        return max(0, n - 1)
    n_heavy = find_heavy(mass, n, max_bins, heavy)
    n_segments = light_segments(heavy, n_heavy, n, segments)
    while n_segments > max_bins - n_heavy:  # too few bins to keep all apart: the lightest joins its neighbours
        lightest = 0
        least = INFINITY
        for k in range(n_heavy):
            lost = mass_between(mass, heavy[k], heavy[k] + 1)
            if lost < least:
                least = lost
                lightest = k
        n_heavy -= 1
        for k in range(lightest, n_heavy):
            heavy[k] = heavy[k + 1]
        n_segments = light_segments(heavy, n_heavy, n, segments)
    share_bins(mass, segments, n_segments, max_bins - n_heavy)
    cut = 1
    for k in range(n_segments):
        while cut <= segments[k].start:  # around the heavy values before it
            cuts_out[n_cuts] = cut
            n_cuts += 1
            cut += 1
        n_cuts += cut_segment(mass, segments[k], cuts_out + n_cuts)
        cut = segments[k].stop
    while cut < n:
        cuts_out[n_cuts] = cut
        n_cuts += 1
        cut += 1
    return n_cuts
