/** The tables of kernels/layout.clh, seen from the host. */
#ifndef ENGINE_TABLES_H
#define ENGINE_TABLES_H

#include <stdint.h>

typedef uint32_t tables_uint;
typedef uint64_t tables_ulong;
#define uint tables_uint
#define ulong tables_ulong
#include "layout.clh"
#undef uint
#undef ulong

#endif
