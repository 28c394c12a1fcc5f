/* For any machine. */
#define FASTML_NAME(table) table##_base
#define FASTML_ISA_NAME "base"
#include "unit.h"
