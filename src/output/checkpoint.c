#include "output/checkpoint.h"
#include "base/hash.h"
#include "output/directory.h"
#include "output/provenance.h"
#include "sonata/h5_undo.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static meso_status out_of_memory(meso_error *err)
{
    return error_set(err, MESO_MEMORY, "out of memory for a checkpoint");
}

/* Of what is not in its content. */
static uint64_t undo_hash(const h5_undo *u, uint64_t before)
{
    const uint64_t h = hash_bytes(&u->file_bytes, sizeof u->file_bytes, before);
    return hash_bytes(u->spans, 2 * u->n_spans * sizeof *u->spans, h);
}

/* --- writing ---------------------------------------------------------------------------------- */

typedef struct writer {
    h5_file file;
    uint64_t checksum;
} writer;

static meso_status write_bytes(writer *w, const char *dataset, const void *data, uint64_t bytes,
                               meso_error *err)
{
    w->checksum = hash_bytes(data, bytes, w->checksum);
    return h5_write(&w->file, dataset, H5T_NATIVE_UINT8, bytes, data, err);
}

static meso_status write_block(void *self, const char *name, void *data, uint64_t bytes,
                               meso_error *err)
{
    return write_bytes(self, h5_name_of("/state/%s", name).path, data, bytes, err);
}

static meso_status write_head(writer *w, const checkpoint_head *head, double time_s,
                              meso_error *err)
{
    h5_file *f = &w->file;
    MESO_TRY(h5_write(f, "/mesocl_version", H5T_NATIVE_UINT8, strlen(provenance_version()),
                      provenance_version(), err));
    MESO_TRY(h5_write(f, "/experiment", H5T_NATIVE_UINT64, 1, &head->experiment, err));
    MESO_TRY(h5_write(f, "/time_s", H5T_NATIVE_DOUBLE, 1, &time_s, err));
    return h5_write(f, "/layout", H5T_NATIVE_UINT32, 3, head->layout, err);
}

static meso_status write_undo(writer *w, uint32_t i, const char *path, const h5_undo *u,
                              meso_error *err)
{
    const h5_name names[] = {h5_name_of("/files/%u/path", i), h5_name_of("/files/%u/bytes", i),
                             h5_name_of("/files/%u/spans", i), h5_name_of("/files/%u/content", i)};
    MESO_TRY(write_bytes(w, names[0].path, path, strlen(path), err));
    MESO_TRY(h5_write(&w->file, names[1].path, H5T_NATIVE_UINT64, 1, &u->file_bytes, err));
    MESO_TRY(h5_write(&w->file, names[2].path, H5T_NATIVE_UINT64, 2 * u->n_spans, u->spans, err));
    MESO_TRY(write_bytes(w, names[3].path, u->content, u->n_content, err));
    w->checksum = undo_hash(u, w->checksum);
    return MESO_OK;
}

static meso_status write_all(writer *w, const char *directory, const checkpoint_head *head,
                             const meso_state *state, h5_file *const *files, uint32_t n_files,
                             meso_error *err)
{
    const meso_state_visitor visitor = {.self = w, .block = write_block};
    MESO_TRY(write_head(w, head, state->time_s, err));
    MESO_TRY(state->visit(state->self, &visitor, err));
    for (uint32_t i = 0; i < n_files; i++) {
        h5_undo undo;
        MESO_TRY(h5_undo_take(files[i], &undo, err));
        const meso_status status = write_undo(w, i, files[i]->path + strlen(directory) + 1, &undo,
                                              err);
        h5_undo_free(&undo);
        MESO_TRY(status);
    }
    return h5_write(&w->file, "/checksum", H5T_NATIVE_UINT64, 1, &w->checksum, err);
}

meso_status checkpoint_write(const char *directory, const checkpoint_head *head,
                             const meso_state *state, h5_file *const *files, uint32_t n_files,
                             meso_error *err)
{
    writer w = {.checksum = 0};
    char *partial = directory_partial(directory, CHECKPOINT_FILE);
    if (partial == NULL)
        return out_of_memory(err);
    meso_status status = h5_file_create(partial, &w.file, err);
    if (status == MESO_OK)
        status = write_all(&w, directory, head, state, files, n_files, err);
    const meso_status closed = h5_file_close(&w.file, status == MESO_OK ? err : NULL);
    status = status == MESO_OK ? closed : status;
    if (status != MESO_OK)
        unlink(partial);
    free(partial);
    MESO_TRY(status);
    return directory_commit(directory, CHECKPOINT_FILE, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static meso_status read_bytes(checkpoint *c, const char *dataset, void *data, uint64_t bytes,
                              meso_error *err)
{
    MESO_TRY(h5_read(&c->file, dataset, H5T_NATIVE_UINT8, bytes, data, err));
    c->checksum = hash_bytes(data, bytes, c->checksum);
    return MESO_OK;
}

static meso_status read_block(void *self, const char *name, void *data, uint64_t bytes,
                              meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = read_bytes(self, h5_name_of("/state/%s", name).path, data, bytes, err);
    h5_restore(before);
    return status;
}

/* A number where a text is expected would be a file of somebody else's. */
static meso_status read_text(checkpoint *c, const char *dataset, char **out, meso_error *err)
{
    const uint64_t n = h5_length(&c->file, dataset);
    *out = calloc(n + 1, 1);
    if (*out == NULL)
        return out_of_memory(err);
    return h5_read(&c->file, dataset, H5T_NATIVE_UINT8, n, *out, err);
}

static meso_status check_version(checkpoint *c, meso_error *err)
{
    char *version = NULL;
    meso_status status = read_text(c, "/mesocl_version", &version, err);
    if (status == MESO_OK && strcmp(version, provenance_version()) != 0)
        status = error_set(err, MESO_VERSION, "%s was written by mesocl %s; this is %s",
                           c->file.path, version, provenance_version());
    free(version);
    return status;
}

static meso_status read_head(checkpoint *c, meso_error *err)
{
    MESO_TRY(check_version(c, err));
    MESO_TRY(h5_read(&c->file, "/experiment", H5T_NATIVE_UINT64, 1, &c->head.experiment, err));
    MESO_TRY(h5_read(&c->file, "/time_s", H5T_NATIVE_DOUBLE, 1, &c->time_s, err));
    return h5_read(&c->file, "/layout", H5T_NATIVE_UINT32, 3, c->head.layout, err);
}

meso_status checkpoint_open(const char *directory, checkpoint **out, meso_error *err)
{
    checkpoint *c = calloc(1, sizeof *c);
    char *path = path_join(directory, CHECKPOINT_FILE);
    meso_status status = MESO_OK;
    *out = c;
    if (c == NULL || path == NULL || (c->directory = strdup(directory)) == NULL) {
        status = out_of_memory(err);
        goto done;
    }
    c->visitor = (meso_state_visitor){.self = c, .fills = true, .block = read_block};
    MESO_GO(h5_file_open(path, &c->file, err));
    MESO_GO(read_head(c, err));
done:
    free(path);
    if (status != MESO_OK)
        checkpoint_close(out);
    return status;
}

static meso_status read_undo(checkpoint *c, uint32_t i, h5_undo *u, meso_error *err)
{
    const h5_name names[] = {h5_name_of("/files/%u/bytes", i), h5_name_of("/files/%u/spans", i),
                             h5_name_of("/files/%u/content", i)};
    u->n_spans = h5_length(&c->file, names[1].path) / 2;
    u->n_content = h5_length(&c->file, names[2].path);
    u->spans = malloc((2 * u->n_spans + 1) * sizeof *u->spans);
    u->content = malloc(u->n_content + 1);
    if (u->spans == NULL || u->content == NULL)
        return out_of_memory(err);
    MESO_TRY(h5_read(&c->file, names[0].path, H5T_NATIVE_UINT64, 1, &u->file_bytes, err));
    MESO_TRY(h5_read(&c->file, names[1].path, H5T_NATIVE_UINT64, 2 * u->n_spans, u->spans, err));
    MESO_TRY(read_bytes(c, names[2].path, u->content, u->n_content, err));
    c->checksum = undo_hash(u, c->checksum);
    return MESO_OK;
}

static meso_status file_visit(checkpoint *c, uint32_t i, bool restores, meso_error *err)
{
    h5_undo undo = {0};
    char *name = NULL, *path = NULL;
    meso_status status = MESO_OK;
    MESO_GO(read_text(c, h5_name_of("/files/%u/path", i).path, &name, err));
    c->checksum = hash_bytes(name, strlen(name), c->checksum);
    MESO_GO(read_undo(c, i, &undo, err));
    if (!restores)
        goto done;
    path = path_join(c->directory, name);
    MESO_GO(path != NULL ? h5_undo_apply(path, &undo, err) : out_of_memory(err));
done:
    h5_undo_free(&undo);
    free(name);
    free(path);
    return status;
}

static meso_status files_visit(checkpoint *c, bool restores, meso_error *err)
{
    for (uint32_t i = 0; h5_length(&c->file, h5_name_of("/files/%u/path", i).path) > 0; i++)
        MESO_TRY(file_visit(c, i, restores, err));
    return MESO_OK;
}

/* Nothing is touched before all is known to be sound. */
meso_status checkpoint_restore_files(checkpoint *c, meso_error *err)
{
    uint64_t wanted;
    MESO_TRY(files_visit(c, false, err));
    MESO_TRY(h5_read(&c->file, "/checksum", H5T_NATIVE_UINT64, 1, &wanted, err));
    if (wanted != c->checksum)
        return error_set(err, MESO_FORMAT, "%s is damaged", c->file.path);
    return files_visit(c, true, err);
}

void checkpoint_close(checkpoint **c)
{
    if (*c == NULL)
        return;
    (void)h5_file_close(&(*c)->file, NULL);
    free((*c)->directory);
    free(*c);
    *c = NULL;
}
