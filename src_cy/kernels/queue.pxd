"""A binary heap of the nodes that may be split next, best first."""


cdef struct Candidate:
    double key                      # the larger goes first
    int node                        # ties: the smaller goes first


cdef inline bint goes_before(Candidate a, Candidate b) noexcept nogil:
    return a.key > b.key or (a.key == b.key and a.node < b.node)


cdef inline void queue_push(Candidate *heap, int *size, Candidate item) noexcept nogil:
    cdef int i = size[0], parent
    size[0] += 1
    while i > 0:
        parent = (i - 1) // 2
        if not goes_before(item, heap[parent]):
            break
        heap[i] = heap[parent]
        i = parent
    heap[i] = item


cdef inline Candidate queue_pop(Candidate *heap, int *size) noexcept nogil:
    cdef Candidate top = heap[0], last
    cdef int i = 0, child
    size[0] -= 1
    last = heap[size[0]]
    while True:
        child = 2 * i + 1
        if child >= size[0]:
            break
        if child + 1 < size[0] and goes_before(heap[child + 1], heap[child]):
            child += 1
        if not goes_before(heap[child], last):
            break
        heap[i] = heap[child]
        i = child
    heap[i] = last
    return top
