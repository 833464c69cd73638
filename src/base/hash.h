/** 64-bit hashes (XXH64): of a block, or of a stream piece by piece. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/state.h"
#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t bytes, uint64_t seed);

typedef struct hash_stream hash_stream;

/** NULL when out of memory. */
hash_stream *hash_stream_create(void);
void hash_stream_destroy(hash_stream **h);
void hash_stream_add(hash_stream *h, const void *data, size_t bytes);
/** Hash of all that was added so far; more may be added. */
uint64_t hash_stream_value(const hash_stream *h);
/** What a stream remembers. */
meso_status hash_stream_state(hash_stream *h, const meso_state_visitor *v, meso_error *err,
                              const char *name);

#endif
