#include "output/directory.h"
#include "base/text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A run writes this first and nobody else does: it marks the directory of a run. Removed last. */
#define MARKER "experiment.json"
static const char *const run_files[] = {
    "spikes.h5", "timeline.h5", "summary.json", "checkpoint.h5", ".checkpoint.h5.partial",
    "figure.png"};
#define N_RUN_FILES (sizeof run_files / sizeof *run_files)

char *path_join(const char *directory, const char *name)
{
    text path = {0};
    text_appendf(&path, "%s/%s", directory, name);
    return text_take(&path);
}

static meso_status out_of_memory(meso_error *err)
{
    return error_set(err, MESO_MEMORY, "out of memory for a path");
}

static meso_status fail(const char *what, const char *path, meso_error *err)
{
    return error_set(err, MESO_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

bool directory_has(const char *directory, const char *name)
{
    char *path = path_join(directory, name);
    bool found = path != NULL && access(path, F_OK) == 0;
    free(path);
    return found;
}

static bool holds_other_than_dots(DIR *stream)
{
    const struct dirent *entry;
    while ((entry = readdir(stream)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return true;
    return false;
}

/* --- check ------------------------------------------------------------------------------------ */

/* The nearest parent that exists must be a directory that can be written to. */
static meso_status check_can_make(const char *directory, meso_error *err)
{
    char *parent = strdup(directory);
    if (parent == NULL)
        return out_of_memory(err);
    struct stat found;
    int missing = stat(parent, &found);
    while (missing != 0 && errno == ENOENT) {
        char *slash = strrchr(parent, '/');
        if (slash == NULL || slash == parent)
            strcpy(parent, slash == NULL ? "." : "/");
        else
            *slash = '\0';
        missing = stat(parent, &found);
    }
    meso_status status = MESO_OK;
    if (missing != 0)
        status = fail("use", parent, err);
    else if (!S_ISDIR(found.st_mode))
        status = error_set(err, MESO_IO, "%s is not a directory", parent);
    else if (access(parent, W_OK | X_OK) != 0)
        status = fail("write to", parent, err);
    free(parent);
    return status;
}

meso_status directory_check(const char *directory, bool force, meso_error *err)
{
    if (directory[0] == '\0')
        return error_set(err, MESO_IO, "the result directory has an empty name");
    MESO_TRY(check_can_make(directory, err));
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return errno == ENOENT ? MESO_OK : fail("read", directory, err);
    bool used = holds_other_than_dots(stream);
    closedir(stream);
    if (!used)
        return MESO_OK;
    if (!force)
        return error_set(
            err, MESO_IO,
            "%s is not empty: choose another --out, or --force to replace the run in it",
            directory);
    if (!directory_has(directory, MARKER))
        return error_set(err, MESO_IO,
                         "%s is not empty and holds no %s: not the result of a run, so "
                         "--force does not touch it",
                         directory, MARKER);
    return MESO_OK;
}

bool directory_is_empty(const char *directory)
{
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return errno == ENOENT;
    const bool used = holds_other_than_dots(stream);
    closedir(stream);
    return !used;
}

/* --- make and clear --------------------------------------------------------------------------- */

static meso_status make_one(const char *path, meso_error *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return MESO_OK;
    return fail("make directory", path, err);
}

static meso_status make_with_parents(const char *directory, meso_error *err)
{
    char *path = strdup(directory);
    if (path == NULL)
        return out_of_memory(err);
    meso_status status = MESO_OK;
    for (char *slash = strchr(path + 1, '/'); slash != NULL && status == MESO_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_one(path, err);
        *slash = '/';
    }
    if (status == MESO_OK)
        status = make_one(path, err);
    free(path);
    return status;
}

meso_status directory_remove(const char *directory, const char *name, meso_error *err)
{
    char *path = path_join(directory, name);
    if (path == NULL)
        return out_of_memory(err);
    meso_status status = MESO_OK;
    if (unlink(path) != 0 && errno != ENOENT)
        status = fail("remove", path, err);
    free(path);
    return status;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

static meso_status remove_files(const char *directory, const char *name, const char *suffix,
                                meso_error *err)
{
    char *inside = path_join(directory, name);
    if (inside == NULL)
        return out_of_memory(err);
    meso_status status = MESO_OK;
    DIR *stream = opendir(inside);
    if (stream != NULL) {
        const struct dirent *entry;
        while (status == MESO_OK && (entry = readdir(stream)) != NULL)
            if (has_suffix(entry->d_name, suffix))
                status = directory_remove(inside, entry->d_name, err);
        closedir(stream);
        rmdir(inside); /* stays when somebody else put something there */
    }
    free(inside);
    return status;
}

meso_status directory_prepare(const char *directory, bool force, meso_error *err)
{
    MESO_TRY(directory_check(directory, force, err));
    MESO_TRY(make_with_parents(directory, err));
    if (!directory_has(directory, MARKER))
        return MESO_OK;
    for (size_t i = 0; i < N_RUN_FILES; i++)
        MESO_TRY(directory_remove(directory, run_files[i], err));
    MESO_TRY(remove_files(directory, "reports", ".h5", err));
    MESO_TRY(remove_files(directory, "synapses", ".h5", err));
    MESO_TRY(remove_files(directory, "network", "_edges.h5", err));
    return directory_remove(directory, MARKER, err);
}

meso_status directory_add(const char *directory, const char *name, meso_error *err)
{
    char *path = path_join(directory, name);
    if (path == NULL)
        return out_of_memory(err);
    meso_status status = make_one(path, err);
    free(path);
    return status;
}

/* --- whole files ------------------------------------------------------------------------------ */

static meso_status write_content(const char *path, const char *content, meso_error *err)
{
    FILE *stream = fopen(path, "w");
    if (stream == NULL)
        return fail("create", path, err);
    size_t length = strlen(content);
    bool written = fwrite(content, 1, length, stream) == length && fflush(stream) == 0;
    meso_status status = written ? MESO_OK : fail("write", path, err);
    if (fclose(stream) != 0 && status == MESO_OK)
        status = fail("write", path, err);
    return status;
}

char *directory_partial(const char *directory, const char *name)
{
    text path = {0};
    text_appendf(&path, "%s/.%s.partial", directory, name);
    return text_take(&path);
}

bool path_sync(const char *path)
{
    const int file = open(path, O_RDONLY);
    if (file < 0)
        return false;
    const bool done = fsync(file) == 0;
    close(file);
    return done;
}

meso_status directory_commit(const char *directory, const char *name, meso_error *err)
{
    char *partial = directory_partial(directory, name), *path = path_join(directory, name);
    meso_status status = MESO_OK;
    if (partial == NULL || path == NULL)
        status = out_of_memory(err);
    else if (!path_sync(partial) || rename(partial, path) != 0)
        status = fail("write", path, err);
    else
        (void)path_sync(directory); /* not every file system can */
    free(partial);
    free(path);
    return status;
}

meso_status directory_write_file(const char *directory, const char *name, const char *content,
                                 meso_error *err)
{
    char *partial = directory_partial(directory, name);
    if (partial == NULL)
        return out_of_memory(err);
    meso_status status = write_content(partial, content, err);
    if (status == MESO_OK)
        status = directory_commit(directory, name, err);
    if (status != MESO_OK)
        unlink(partial);
    free(partial);
    return status;
}
