/** Memory that lives and dies together: zeroed blocks, freed all at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

typedef struct arena arena;

arena *arena_create(void);
void arena_destroy(arena **a);
/** Zeroed, aligned for any type; NULL when out of memory. */
void *arena_alloc(arena *a, size_t bytes);
char *arena_strdup(arena *a, const char *text);
char *arena_printf(arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
