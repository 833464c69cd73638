#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 * 1024)

typedef struct block {
    struct block *next;
    size_t used, capacity;
    max_align_t content[];
} block;

struct arena {
    block *blocks; /* the first one is being filled */
};

arena *arena_create(void)
{
    return calloc(1, sizeof(arena));
}

void arena_destroy(arena **a)
{
    if (!a || !*a)
        return;
    for (block *b = (*a)->blocks; b;) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free(*a);
    *a = NULL;
}

static block *block_add(arena *a, size_t bytes)
{
    size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    block *b = calloc(1, sizeof(block) + capacity);
    if (!b)
        return NULL;
    b->capacity = capacity;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *arena_alloc(arena *a, size_t bytes)
{
    const size_t alignment = _Alignof(max_align_t);
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    block *b = a->blocks;
    if (!b || b->capacity - b->used < bytes)
        b = block_add(a, bytes);
    if (!b)
        return NULL;
    void *start = (char *)b->content + b->used;
    b->used += bytes;
    return start;
}

char *arena_strdup(arena *a, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = arena_alloc(a, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

char *arena_printf(arena *a, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *out = length < 0 ? NULL : arena_alloc(a, (size_t)length + 1);
    if (out)
        vsnprintf(out, (size_t)length + 1, format, again);
    va_end(again);
    return out;
}
