"""The weighted median of numbers that come one by one, and the sum of absolute distances from it.

Two heaps: `low` holds the smallest numbers that have half of the weight together, `high` the others. The median is the
largest of the low ones, or halfway to the smallest high one where the low ones have exactly half.
"""

cdef struct Weighed:
    double y
    double w


cdef struct Half:
    Weighed *items                  # a binary heap, by sign * y, largest first
    ptrdiff_t n
    double sign
    double weight
    double sum                      # of w y


cdef struct RunningMedian:
    Half low
    Half high


cdef inline void median_start(RunningMedian *m, Weighed *memory, ptrdiff_t n) noexcept nogil:
    """memory: (2 * n,)."""
    m.low.items = memory
    m.high.items = memory + n
    m.low.sign = 1.0
    m.high.sign = -1.0
    m.low.n = m.high.n = 0
    m.low.weight = m.high.weight = 0.0
    m.low.sum = m.high.sum = 0.0


cdef inline void push(Half *h, Weighed item) noexcept nogil:
    cdef ptrdiff_t i = h.n, parent
    h.n += 1
    h.weight += item.w
    h.sum += item.w * item.y
    while i > 0:
        parent = (i - 1) // 2
        if h.sign * item.y <= h.sign * h.items[parent].y:
            break
        h.items[i] = h.items[parent]
        i = parent
    h.items[i] = item


cdef inline Weighed pop(Half *h) noexcept nogil:
    cdef Weighed top = h.items[0], last
    cdef ptrdiff_t i = 0, child
    h.n -= 1
    h.weight = h.weight - top.w if h.n > 0 else 0.0
    h.sum = h.sum - top.w * top.y if h.n > 0 else 0.0
    last = h.items[h.n]
    while True:
        child = 2 * i + 1
        if child >= h.n:
            break
        if child + 1 < h.n and h.sign * h.items[child + 1].y > h.sign * h.items[child].y:
            child += 1
        if h.sign * h.items[child].y <= h.sign * last.y:
            break
        h.items[i] = h.items[child]
        i = child
    h.items[i] = last
    return top


cdef inline void median_add(RunningMedian *m, double y, double w) noexcept nogil:
    """O(log n) a number on average."""
    cdef Weighed item
    cdef double half
    item.y = y
    item.w = w
    if m.low.n == 0 or y <= m.low.items[0].y:
        push(&m.low, item)
    else:
        push(&m.high, item)
    half = 0.5 * (m.low.weight + m.high.weight)
    while m.low.n > 1 and m.low.weight - m.low.items[0].w >= half:
        push(&m.high, pop(&m.low))
    while m.high.n > 0 and m.low.weight < half:
        push(&m.low, pop(&m.high))


cdef inline double median_value(const RunningMedian *m) noexcept nogil:
    if m.low.n == 0:
        return 0.0
    if m.high.n > 0 and m.low.weight == m.high.weight:
        return (m.low.items[0].y + m.high.items[0].y) / 2.0
    return m.low.items[0].y


cdef inline double distances(const RunningMedian *m) noexcept nogil:
    """sum w |y - median|."""
    cdef double at = median_value(m)
    return max(0.0, (m.high.sum - at * m.high.weight) + (at * m.low.weight - m.low.sum))
