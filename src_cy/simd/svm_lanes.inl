/* A vector of 64 bytes of REAL (LANES numbers) and its arithmetic: the compiler's own vectors, which a lesser
   instruction set takes in parts, or plain arrays where it has none. Each lane does the same operations in the same
   order everywhere. Included once a type, with REAL, INTEGER, LANES, TYPED(name) and SHIFT, TO_WHOLE, LOWEST defined. */
#if defined(__GNUC__)
typedef REAL TYPED(vec) __attribute__((vector_size(64)));
typedef INTEGER TYPED(bits) __attribute__((vector_size(64)));
#define LANEWISE(name, expression)                                                                                    \
    ALWAYS_INLINE TYPED(vec) TYPED(name)(TYPED(vec) a, TYPED(vec) b) { return expression; }
#define A_LANE a
#define B_LANE b
#else
typedef struct { REAL lane[LANES]; } TYPED(vec);
typedef struct { INTEGER lane[LANES]; } TYPED(bits);
#define LANEWISE(name, expression)                                                                                    \
    ALWAYS_INLINE TYPED(vec) TYPED(name)(TYPED(vec) a, TYPED(vec) b)                                                  \
    {                                                                                                                 \
        TYPED(vec) out;                                                                                               \
        for (int l = 0; l < LANES; l++)                                                                               \
            out.lane[l] = expression;                                                                                 \
        return out;                                                                                                   \
    }
#define A_LANE a.lane[l]
#define B_LANE b.lane[l]
#endif

LANEWISE(plus, A_LANE + B_LANE)
LANEWISE(minus, A_LANE - B_LANE)
LANEWISE(times, A_LANE * B_LANE)
LANEWISE(over, A_LANE / B_LANE)

ALWAYS_INLINE TYPED(vec) TYPED(load)(const REAL *p)
{
    TYPED(vec) v;
    memcpy(&v, p, sizeof v);
    return v;
}

ALWAYS_INLINE void TYPED(store)(REAL *p, TYPED(vec) v) { memcpy(p, &v, sizeof v); }

ALWAYS_INLINE TYPED(vec) TYPED(each)(REAL x)
{
    TYPED(vec) v;
#if defined(__GNUC__)
    v = x - (TYPED(vec)){0};
#else
    for (int l = 0; l < LANES; l++)
        v.lane[l] = x;
#endif
    return v;
}

/* a * b + c. In float32 rounded once: by the machine's own instruction, which takes half the time, or by float64, which
   holds the product and, with its last bit set where the sum has more, rounds to the same number. In float64 rounded
   twice. */
#if FLOAT32 && defined(FASTML_AVX512)
ALWAYS_INLINE TYPED(vec) TYPED(fused)(TYPED(vec) a, TYPED(vec) b, TYPED(vec) c)
{
    return (TYPED(vec))_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
#elif FLOAT32 && defined(FASTML_AVX2)
ALWAYS_INLINE TYPED(vec) TYPED(fused)(TYPED(vec) a, TYPED(vec) b, TYPED(vec) c)
{
    __m256 x[2], y[2], z[2];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    memcpy(z, &c, sizeof z);
    z[0] = _mm256_fmadd_ps(x[0], y[0], z[0]);
    z[1] = _mm256_fmadd_ps(x[1], y[1], z[1]);
    memcpy(&c, z, sizeof c);
    return c;
}
#elif FLOAT32
ALWAYS_INLINE TYPED(vec) TYPED(fused)(TYPED(vec) a, TYPED(vec) b, TYPED(vec) c)
{
    REAL x[LANES], y[LANES], z[LANES];
    TYPED(store)(x, a);
    TYPED(store)(y, b);
    TYPED(store)(z, c);
    for (int l = 0; l < LANES; l++) {
#if defined(__FMA__) || defined(__aarch64__)
        z[l] = __builtin_fmaf(x[l], y[l], z[l]);
#else
        const double product = (double)x[l] * (double)y[l], add = (double)z[l], sum = product + add;
        const double of_add = sum - product, rest = (product - (sum - of_add)) + (add - of_add);
        int64_t bits;
        memcpy(&bits, &sum, 8);
        const int64_t even = (rest != 0.0) & ~bits & 1, shrinks = (rest < 0.0) != (sum < 0.0);
        bits += even - 2 * (even & shrinks);
        double odd;
        memcpy(&odd, &bits, 8);
        z[l] = (float)odd;
#endif
    }
    return TYPED(load)(z);
}
#else
ALWAYS_INLINE TYPED(vec) TYPED(fused)(TYPED(vec) a, TYPED(vec) b, TYPED(vec) c)
{
    return TYPED(plus)(TYPED(times)(a, b), c);
}
#endif

/* a where a > b, else b. */
ALWAYS_INLINE TYPED(vec) TYPED(most)(TYPED(vec) a, TYPED(vec) b)
{
#if defined(__GNUC__)
    const TYPED(bits) larger = a > b;
    return (TYPED(vec))(((TYPED(bits))a & larger) | ((TYPED(bits))b & ~larger));
#else
    for (int l = 0; l < LANES; l++)
        a.lane[l] = a.lane[l] > b.lane[l] ? a.lane[l] : b.lane[l];
    return a;
#endif
}

/* The largest value of each lane so far, and the vector in which it came first. */
struct TYPED(best) {
    TYPED(vec) value;
    TYPED(bits) where;
};

ALWAYS_INLINE void TYPED(keep_best)(struct TYPED(best) *best, TYPED(vec) value, INTEGER b)
{
#if defined(__GNUC__)
    const TYPED(bits) better = value > best->value;
    best->where = ((b - (TYPED(bits)){0}) & better) | (best->where & ~better);
    best->value = (TYPED(vec))(((TYPED(bits))value & better) | ((TYPED(bits))best->value & ~better));
#else
    for (int l = 0; l < LANES; l++) {
        best->where.lane[l] = value.lane[l] > best->value.lane[l] ? b : best->where.lane[l];
        best->value.lane[l] = value.lane[l] > best->value.lane[l] ? value.lane[l] : best->value.lane[l];
    }
#endif
}

ALWAYS_INLINE struct TYPED(best) TYPED(none_yet)(REAL least)
{
    struct TYPED(best) best;
    best.value = TYPED(each)(least);
    memset(&best.where, 0, sizeof best.where);
    return best;
}

/* The largest value and its first place; where all are the least, the first place. */
ALWAYS_INLINE ptrdiff_t TYPED(place_of)(const struct TYPED(best) *best, REAL *value_out)
{
    REAL value[LANES];
    INTEGER where[LANES];
    int at = 0;
    memcpy(value, &best->value, sizeof value);
    memcpy(where, &best->where, sizeof where);
    for (int l = 1; l < LANES; l++)
        if (value[l] > value[at] || (value[l] == value[at] && where[l] * LANES + l < where[at] * LANES + at))
            at = l;
    *value_out = value[at];
    return (ptrdiff_t)where[at] * LANES + at;
}

/* 2^x for x <= 0, to a unit or two in the last place; what lies below LOWEST counts as LOWEST. */
ALWAYS_INLINE TYPED(vec) TYPED(power_of_two)(TYPED(vec) x)
{
    static const REAL factors[] = POWER_FACTORS;
    const TYPED(vec) magic = TYPED(each)((REAL)TO_WHOLE);
    x = TYPED(most)(x, TYPED(each)((REAL)LOWEST));
    TYPED(vec) t = TYPED(plus)(x, magic), f = TYPED(minus)(x, TYPED(minus)(t, magic));
    TYPED(vec) p = TYPED(each)(factors[0]);
    for (int i = 1; i < (int)(sizeof factors / sizeof factors[0]); i++)
        p = TYPED(fused)(p, f, TYPED(each)(factors[i]));
#if defined(__GNUC__)
    return (TYPED(vec))((TYPED(bits))p + ((TYPED(bits))t << SHIFT));
#else
    for (int l = 0; l < LANES; l++) {
        INTEGER t_bits, p_bits;
        memcpy(&t_bits, &t.lane[l], sizeof t_bits);
        memcpy(&p_bits, &p.lane[l], sizeof p_bits);
        p_bits = (INTEGER)((UNSIGNED)p_bits + ((UNSIGNED)t_bits << SHIFT));
        memcpy(&p.lane[l], &p_bits, sizeof p_bits);
    }
    return p;
#endif
}

#undef LANEWISE
#undef A_LANE
#undef B_LANE
