/** Growing text, file reading, and the nearest name of a list. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/status.h"
#include <stddef.h>

typedef struct text {
    char *data; /* zero-terminated when not NULL */
    size_t length, capacity;
    int failed; /* out of memory at some point: the content is not to be used */
} text;

void text_append(text *t, const char *s);
void text_appendf(text *t, const char *format, ...) MESO_PRINTF(2, 3);
void text_free(text *t);
/** Give the characters away (caller frees); the text is empty afterwards. NULL when it failed. */
char *text_take(text *t);

/** Read a whole file as zero-terminated text; caller frees. Errors: MESO_IO with path and reason. */
meso_status text_read_file(const char *path, char **content, size_t *length, meso_error *err);

/** The candidate nearest to `name` by edit distance (transpositions count one), or NULL if none is near. */
const char *text_nearest(const char *name, const char *const *candidates, size_t n);

#endif
