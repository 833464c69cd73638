/**
 * Program binaries on disk. Failures are silent: a program can always be built from source.
 *
 * An entry is a file <key>.bin: magic, key, length, checksum, binary. It is written under another
 * name and renamed, so that processes side by side see a whole entry or none.
 */
#ifndef DEVICE_CACHE_H
#define DEVICE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cache_key {
    unsigned char bytes[16];
} cache_key;

/**
 * $XDG_CACHE_HOME/mesocl, else ~/.cache/mesocl, made when missing with access for its owner only.
 * NULL when there is none, or when others may write there: binaries run, so they must be one's own.
 * Caller frees.
 */
char *cache_directory(void);

/** Hash of the texts; two lists of texts that differ anywhere have different keys. */
cache_key cache_hash(const char *const *texts, size_t n);

/** The binary of an intact entry; caller frees. */
bool cache_load(const char *directory, cache_key key, unsigned char **binary, size_t *bytes);
void cache_store(const char *directory, cache_key key, const unsigned char *binary, size_t bytes);

#endif
