#include "base/hash.h"

#define XXH_STATIC_LINKING_ONLY /* the size of a stream, for checkpoints */
#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t bytes, uint64_t seed)
{
    return XXH64(data, bytes, seed);
}

hash_stream *hash_stream_create(void)
{
    XXH64_state_t *state = XXH64_createState();
    if (state != NULL)
        XXH64_reset(state, 0);
    return (hash_stream *)state;
}

void hash_stream_destroy(hash_stream **h)
{
    if (h == NULL || *h == NULL)
        return;
    XXH64_freeState((XXH64_state_t *)*h);
    *h = NULL;
}

void hash_stream_add(hash_stream *h, const void *data, size_t bytes)
{
    XXH64_update((XXH64_state_t *)h, data, bytes);
}

meso_status hash_stream_state(hash_stream *h, const meso_state_visitor *v, meso_error *err,
                              const char *name)
{
    return state_block(v, h, sizeof(XXH64_state_t), err, "%s", name);
}

uint64_t hash_stream_value(const hash_stream *h)
{
    return XXH64_digest((const XXH64_state_t *)h);
}
