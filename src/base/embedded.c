#include "base/embedded.h"

#include "base/text.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Generated at build time, sorted by path. */
extern const struct embedded_file {
    const char *path;
    const char *text;
} embedded_files[];
extern const size_t n_embedded_files;

/* Texts read from MESO_KERNEL_DIR are kept until the program ends, as callers expect. */
typedef struct disk_file {
    struct disk_file *next;
    char *path;
    char *text;
} disk_file;

static disk_file *disk_files;
static pthread_mutex_t disk_files_lock = PTHREAD_MUTEX_INITIALIZER;

static disk_file *disk_read(const char *directory, const char *path)
{
    text full_path = {0};
    text_appendf(&full_path, "%s/%s", directory, path);
    disk_file *f = calloc(1, sizeof *f);
    if (f)
        f->path = strdup(path);
    if (!f || !f->path || full_path.failed ||
        text_read_file(full_path.data, &f->text, NULL, NULL) != MESO_OK) {
        if (f)
            free(f->path);
        free(f);
        f = NULL;
    }
    text_free(&full_path);
    return f;
}

static const char *disk_find(const char *directory, const char *path)
{
    pthread_mutex_lock(&disk_files_lock);
    disk_file *f = disk_files;
    while (f && strcmp(f->path, path) != 0)
        f = f->next;
    if (!f && (f = disk_read(directory, path))) {
        f->next = disk_files;
        disk_files = f;
    }
    pthread_mutex_unlock(&disk_files_lock);
    return f ? f->text : NULL;
}

bool embedded_is_experiment(const char *path)
{
    return strncmp(path, "configs/", 8) == 0 || strncmp(path, "bench/", 6) == 0 ||
           strncmp(path, "validation/", 11) == 0;
}

const char *embedded_find(const char *path)
{
    const char *directory = getenv("MESO_KERNEL_DIR");
    if (directory && *directory && !embedded_is_experiment(path))
        return disk_find(directory, path);
    for (size_t i = 0; i < n_embedded_files; i++)
        if (strcmp(embedded_files[i].path, path) == 0)
            return embedded_files[i].text;
    return NULL;
}

const char *embedded_path(size_t i)
{
    return i < n_embedded_files ? embedded_files[i].path : NULL;
}
