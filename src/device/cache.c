#include "device/cache.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct entry_header {
    char magic[8];
    cache_key key;
    uint64_t bytes, checksum; /* of the binary that follows */
} entry_header;

static const char MAGIC[8] = "mesoclb1";

/* --- where ------------------------------------------------------------------------------------ */

static bool make_directory(const char *path)
{
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST;
}

static bool is_private(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == geteuid() &&
           !(s.st_mode & (S_IWGRP | S_IWOTH));
}

char *cache_directory(void)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    text parent = {0}, path = {0};
    if (base && base[0] == '/')
        text_append(&parent, base);
    else if (home && home[0] == '/')
        text_appendf(&parent, "%s/.cache", home);
    else
        return NULL;
    text_appendf(&path, "%s/mesocl", parent.data ? parent.data : "");
    char *directory = NULL;
    if (!parent.failed && !path.failed && make_directory(parent.data) &&
        make_directory(path.data) && is_private(path.data))
        directory = text_take(&path);
    else
        log_message(LOG_DEBUG, "no program cache at %s", path.failed ? "?" : path.data);
    text_free(&parent);
    text_free(&path);
    return directory;
}

/* --- what ------------------------------------------------------------------------------------- */

cache_key cache_hash(const char *const *texts, size_t n)
{
    uint64_t halves[2] = {0, 1};
    for (int half = 0; half < 2; half++)
        for (size_t i = 0; i < n; i++) /* the final zero keeps neighbours apart */
            halves[half] = hash_bytes(texts[i], strlen(texts[i]) + 1, halves[half]);
    cache_key key;
    memcpy(key.bytes, halves, sizeof key.bytes);
    return key;
}

static void entry_path(char path[PATH_MAX], const char *directory, cache_key key)
{
    char name[2 * sizeof key.bytes + 1];
    for (size_t i = 0; i < sizeof key.bytes; i++)
        snprintf(name + 2 * i, 3, "%02x", key.bytes[i]);
    snprintf(path, PATH_MAX, "%s/%s.bin", directory, name);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The header must agree with the key that was asked for and with the file's own length. */
static bool read_header(FILE *file, cache_key key, entry_header *header)
{
    struct stat s;
    return fread(header, sizeof *header, 1, file) == 1 &&
           memcmp(header->magic, MAGIC, sizeof MAGIC) == 0 &&
           memcmp(&header->key, &key, sizeof key) == 0 && fstat(fileno(file), &s) == 0 &&
           header->bytes > 0 && (uint64_t)s.st_size == sizeof *header + header->bytes;
}

static unsigned char *read_entry(FILE *file, cache_key key, size_t *bytes)
{
    entry_header header;
    if (!read_header(file, key, &header))
        return NULL;
    unsigned char *binary = malloc(header.bytes);
    if (binary && fread(binary, header.bytes, 1, file) == 1 &&
        hash_bytes(binary, header.bytes, 0) == header.checksum) {
        *bytes = header.bytes;
        return binary;
    }
    free(binary);
    return NULL;
}

bool cache_load(const char *directory, cache_key key, unsigned char **binary, size_t *bytes)
{
    char path[PATH_MAX];
    entry_path(path, directory, key);
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    *binary = read_entry(file, key, bytes);
    fclose(file);
    if (!*binary)
        log_message(LOG_DEBUG, "program cache: %s is damaged and will be replaced", path);
    return *binary != NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool write_entry(int descriptor, const entry_header *header, const unsigned char *binary)
{
    FILE *file = fdopen(descriptor, "wb");
    if (!file) {
        close(descriptor);
        return false;
    }
    bool written = fwrite(header, sizeof *header, 1, file) == 1 &&
                   fwrite(binary, header->bytes, 1, file) == 1 && fflush(file) == 0 &&
                   fsync(descriptor) == 0;
    return fclose(file) == 0 && written;
}

void cache_store(const char *directory, cache_key key, const unsigned char *binary, size_t bytes)
{
    entry_header header = {.key = key, .bytes = bytes, .checksum = hash_bytes(binary, bytes, 0)};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    char path[PATH_MAX], temporary[PATH_MAX];
    entry_path(path, directory, key);
    snprintf(temporary, sizeof temporary, "%s/.new-XXXXXX", directory);
    int descriptor = mkstemp(temporary);
    if (descriptor < 0) {
        log_message(LOG_DEBUG, "program cache: cannot write to %s: %s", directory, strerror(errno));
        return;
    }
    if (!write_entry(descriptor, &header, binary) || rename(temporary, path) != 0) {
        log_message(LOG_DEBUG, "program cache: cannot write %s: %s", path, strerror(errno));
        unlink(temporary);
    }
}
