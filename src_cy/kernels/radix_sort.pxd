"""Stable least-digit-first radix sort of floating-point numbers by their order-preserving keys."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* Unsigned keys in the order of the numbers: a negative number's bits turn around, a positive
       one's sign bit is set. Adding 0.0 makes -0.0 and 0.0 one key. */
    static inline uint32_t fastml_key32(float x) {
        uint32_t b; x += 0.0f; memcpy(&b, &x, 4); return b ^ ((0u - (b >> 31)) | 0x80000000u);
    }
    static inline float fastml_number32(uint32_t k) {
        float x; uint32_t b = k ^ (((k >> 31) - 1u) | 0x80000000u); memcpy(&x, &b, 4); return x;
    }
    static inline uint64_t fastml_key64(double x) {
        uint64_t b; x += 0.0; memcpy(&b, &x, 8); return b ^ ((0u - (b >> 63)) | 0x8000000000000000u);
    }
    static inline double fastml_number64(uint64_t k) {
        double x; uint64_t b = k ^ (((k >> 63) - 1u) | 0x8000000000000000u); memcpy(&x, &b, 8); return x;
    }
    """
    uint32_t key32 "fastml_key32"(float x) nogil
    float number32 "fastml_number32"(uint32_t key) nogil
    uint64_t key64 "fastml_key64"(double x) nogil
    double number64 "fastml_number64"(uint64_t key) nogil

ctypedef fused key_t:
    uint32_t
    uint64_t

cdef enum:
    DIGIT_BITS = 11         # counts of all passes of 64-bit keys stay in a 48 KB first-level cache
    N_DIGITS = 1 << DIGIT_BITS
    MAX_PASSES = 6
    INSERTION_LIMIT = 48    # below, clearing the counts costs more than sorting


cdef inline bint radix_sort(
    key_t *keys,                # (n,)   overwritten
    key_t *spare,               # (n,)   overwritten
    uint32_t *payload,          # (n,)   moves along with the keys, or NULL
    uint32_t *spare_payload,    # (n,)
    uint32_t n,
) noexcept nogil:
    """Sorts; True when the result is in `spare` (and `spare_payload`), False when in `keys`. O(n) a pass of 11 bits."""
    cdef uint32_t counts[MAX_PASSES * N_DIGITS]
    cdef int n_passes = 3 if key_t is uint32_t else 6
    cdef int p, shift
    cdef uint32_t i, j, digit, place, total, held_payload = 0
    cdef uint32_t *count
    cdef key_t key
    cdef key_t *source = keys
    cdef key_t *target = spare
    cdef uint32_t *source_payload = payload
    cdef uint32_t *target_payload = spare_payload
    cdef bint swapped = False
    if n <= INSERTION_LIMIT:
        for i in range(1, n):
            key = keys[i]
            if payload != NULL:
                held_payload = payload[i]
            j = i
            while j > 0 and keys[j - 1] > key:
                keys[j] = keys[j - 1]
                if payload != NULL:
                    payload[j] = payload[j - 1]
                j -= 1
            keys[j] = key
            if payload != NULL:
                payload[j] = held_payload
        return False
    memset(counts, 0, n_passes * N_DIGITS * sizeof(uint32_t))
    for i in range(n):
        key = keys[i]
        for p in range(n_passes):
            counts[p * N_DIGITS + ((key >> (p * DIGIT_BITS)) & (N_DIGITS - 1))] += 1
    for p in range(n_passes):
        shift = p * DIGIT_BITS
        count = counts + p * N_DIGITS
        if count[(source[0] >> shift) & (N_DIGITS - 1)] == n:
            continue  # all keys share this digit
        total = 0
        for digit in range(N_DIGITS):
            place = count[digit]
            count[digit] = total
            total += place
        if payload == NULL:
            for i in range(n):
                key = source[i]
                digit = (key >> shift) & (N_DIGITS - 1)
                target[count[digit]] = key
                count[digit] += 1
        else:
            for i in range(n):
                key = source[i]
                digit = (key >> shift) & (N_DIGITS - 1)
                place = count[digit]
                count[digit] = place + 1
                target[place] = key
                target_payload[place] = source_payload[i]
        source, target = target, source
        source_payload, target_payload = target_payload, source_payload
        swapped = not swapped
    return swapped
