/* Support vector machines, in float32 and in float64. */
#include <math.h>

#include "svm.h"

#if defined(__GNUC__) && !defined(__clang__)
#define UNROLLED _Pragma("GCC unroll 16")
#elif defined(__clang__)
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED
#endif
enum { MOST_OUTPUTS = 128 }; /* sums of a row that lie together: more take another pass over the kernel */
#define LEAST_CURVE 1e-12 /* of a pair whose rows are equal, as in LIBSVM */

/* 2^f for |f| <= 1/2: interpolated at the Chebyshev points, 0 among them, so that 2^0 is 1. */
#define FLOAT32 1
#define REAL float
#define INTEGER int32_t
#define UNSIGNED uint32_t
#define LANES 16
#define TYPED(name) name##_f32
#define SHIFT 23
#define TO_WHOLE 12582912.0f /* 1.5 * 2^23: adding it rounds to a whole number */
#define LOWEST -126.0f
#define POWER_FACTORS                                                                                                 \
    {1.54614446985691291e-4f, 1.34004281776158379e-3f, 9.61805667852463808e-3f, 5.55032722667030206e-2f,              \
     2.40226509222887581e-1f, 6.93147206702832596e-1f, 1.0f}
#include "svm_lanes.inl"
#include "svm_tiles.inl"
#include "svm_smo.inl"
#undef REAL
#undef INTEGER
#undef UNSIGNED
#undef LANES
#undef TYPED
#undef SHIFT
#undef TO_WHOLE
#undef LOWEST
#undef POWER_FACTORS

#undef FLOAT32
#define FLOAT32 0
#define REAL double
#define INTEGER int64_t
#define UNSIGNED uint64_t
#define LANES 8
#define TYPED(name) name##_f64
#define SHIFT 52
#define TO_WHOLE 6755399441055744.0
#define LOWEST -1022.0
#define POWER_FACTORS                                                                                                 \
    {2.57335683087568912e-11, 4.45667534104920588e-10, 7.05489438634834804e-9, 1.0178051192960649e-7,                 \
     1.3215486815999977e-6, 1.52527338562934664e-5, 1.54035303933627553e-4, 1.33335581463903528e-3,                   \
     9.61812910762848305e-3, 5.5504108664821699e-2, 2.40226506959100712e-1, 6.93147180559945308e-1, 1.0}
#include "svm_lanes.inl"
#include "svm_tiles.inl"
#include "svm_smo.inl"
#undef REAL
#undef INTEGER
#undef UNSIGNED
#undef LANES
#undef TYPED
#undef SHIFT
#undef TO_WHOLE
#undef LOWEST
#undef POWER_FACTORS

#undef FLOAT32

#define SVM_OF(type)                                                                                                  \
    .add_kernel_##type = add_kernel_##type, .add_kernel_many_##type = add_kernel_many_##type,                         \
    .add_sparse_##type = add_sparse_##type, .smo_##type = smo_##type

const struct fastml_svm_kernels FASTML_NAME(fastml_svm_kernels) = {SVM_OF(f32), SVM_OF(f64)};
