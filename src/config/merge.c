#include "config/merge.h"

#include "base/embedded.h"
#include "config/names.h"
#include <stdlib.h>
#include <string.h>

/* --- merging ---------------------------------------------------------------------------------- */

static meso_status out_of_memory(meso_error *err)
{
    return error_set(err, MESO_MEMORY, "out of memory");
}

static meso_status nothing_to_remove(const document *patch, const cJSON *value, const cJSON *base,
                                     meso_error *err)
{
    name_list names = {0};
    text hint = {0};
    names_add_members(&names, base);
    if (names.n > 0)
        names_append_hint(&names, value->string, "entries", &hint);
    document_error(patch, value, NULL, err, MESO_NOT_FOUND,
                   "null removes an inherited entry, but there is none%s",
                   hint.failed || !hint.data ? "" : hint.data);
    text_free(&hint);
    names_free(&names);
    return MESO_NOT_FOUND;
}

static meso_status merge_object(const document *patch, cJSON *base, cJSON *over, meso_error *err);

/* Put `value`, which brings its key along, where `inherited` (may be NULL) stands. */
static meso_status put(cJSON *base, cJSON *inherited, cJSON *value, meso_error *err)
{
    const bool done = inherited ? cJSON_ReplaceItemViaPointer(base, inherited, value)
                                : cJSON_AddItemToArray(base, value);
    if (done)
        return MESO_OK;
    cJSON_Delete(value);
    return out_of_memory(err);
}

/* Nulls have nothing to remove inside an object that is new. */
static meso_status refuse_nulls(const document *patch, const cJSON *value, meso_error *err)
{
    for (const cJSON *child = value->child; child; child = child->next) {
        if (cJSON_IsNull(child) && cJSON_IsObject(value) && !is_comment(child))
            return nothing_to_remove(patch, child, NULL, err);
        MESO_TRY(refuse_nulls(patch, child, err));
    }
    return MESO_OK;
}

meso_status merge_member(const document *patch, cJSON *base, cJSON *over, cJSON *value,
                         meso_error *err)
{
    cJSON *inherited = get_member(base, value->string);
    if (cJSON_IsNull(value) && !is_comment(value)) {
        if (!inherited)
            return nothing_to_remove(patch, value, base, err);
        cJSON_Delete(cJSON_DetachItemViaPointer(base, inherited));
        return MESO_OK;
    }
    if (cJSON_IsObject(value) && cJSON_IsObject(inherited))
        return merge_object(patch, inherited, value, err);
    MESO_TRY(refuse_nulls(patch, value, err));
    return put(base, inherited, cJSON_DetachItemViaPointer(over, value), err);
}

static meso_status merge_object(const document *patch, cJSON *base, cJSON *over, meso_error *err)
{
    base->valueint = over->valueint;
    for (cJSON *value = over->child, *next; value; value = next) {
        next = value->next;
        MESO_TRY(merge_member(patch, base, over, value, err));
    }
    return MESO_OK;
}

/* --- files ------------------------------------------------------------------------------------ */

/* A file that is being read, and the one that extends it. */
typedef struct link {
    const struct link *child;
    const char *path;
    const char *content; /* when it is not to be read from `path` */
    char *identity;      /* absolute, without symbolic links */
} link;

static meso_status merge_one(document *d, const object_type *type, link *l, meso_error *err);

static bool is_builtin(const char *path)
{
    return strncmp(path, BUILTIN, strlen(BUILTIN)) == 0;
}

/* Take "x/.." out of a built-in path, in place; on disk the system does. */
static char *resolve_dots(char *path)
{
    for (char *dots; path && (dots = strstr(path, "/../"));) {
        char *folder = dots;
        while (folder > path && folder[-1] != '/' && folder[-1] != ':')
            folder--;
        memmove(folder, dots + 4, strlen(dots + 4) + 1);
    }
    return path;
}

/* `relative` as seen from the folder of a file; a text that is no file is in the working directory. */
static char *beside(arena *memory, const link *file, const char *relative)
{
    const bool builtin = is_builtin(file->path);
    const char *slash = builtin || !file->content ? strrchr(file->path, '/') : NULL;
    if (is_builtin(relative))
        return resolve_dots(arena_strdup(memory, relative));
    if (!slash || relative[0] == '/')
        return arena_strdup(memory, relative);
    char *joined = arena_printf(memory, "%.*s%s", (int)(slash - file->path + 1), file->path,
                                relative);
    return builtin ? resolve_dots(joined) : joined;
}

/* To be freed; NULL when there is no such file. */
static char *identify(const char *path)
{
    if (!is_builtin(path))
        return realpath(path, NULL);
    const char *name = path + strlen(BUILTIN);
    return embedded_is_experiment(name) && embedded_find(name) ? strdup(path) : NULL;
}

/* "a.json -> b.json -> a.json": from the outermost file inwards to this one. */
static void append_chain(const link *l, text *out)
{
    if (l->child) {
        append_chain(l->child, out);
        text_append(out, " -> ");
    }
    text_append(out, l->path);
}

static meso_status check_cycle(const document *patch, const cJSON *at, const link *l,
                               meso_error *err)
{
    for (const link *outer = l->child; outer; outer = outer->child) {
        if (strcmp(outer->identity, l->identity) != 0)
            continue;
        text chain = {0};
        append_chain(l, &chain);
        document_error(patch, at, NULL, err, MESO_CONFIG, "a file extends itself: %s",
                       chain.failed ? "" : chain.data);
        text_free(&chain);
        return MESO_CONFIG;
    }
    return MESO_OK;
}

/* "there is no ...", and for a built-in one what its name may have been. */
static void append_missing(arena *memory, const char *path, text *out)
{
    if (!is_builtin(path)) {
        text_appendf(out, "there is no file '%s' to extend", path);
        return;
    }
    name_list names = {0};
    const char *name, *full;
    for (size_t i = 0; (name = embedded_path(i)); i++)
        if (embedded_is_experiment(name) && (full = arena_printf(memory, BUILTIN "%s", name)))
            names_add(&names, full, NULL);
    text_appendf(out, "there is no built-in experiment '%s'", path);
    names_append_hint(&names, path, "built-in experiments", out);
    names_free(&names);
}

static meso_status parent_missing(const document *patch, const cJSON *name, const char *path,
                                  meso_error *err)
{
    text message = {0};
    append_missing(patch->memory, path, &message);
    document_error(patch, name, NULL, err, MESO_NOT_FOUND, "%s",
                   message.failed ? "" : message.data);
    text_free(&message);
    return MESO_NOT_FOUND;
}

static meso_status merge_parent(document *d, const document *patch, const object_type *type,
                                const cJSON *name, const link *child, meso_error *err)
{
    link l = {.child = child, .path = beside(d->memory, child, name->valuestring)};
    if (!l.path)
        return out_of_memory(err);
    l.identity = identify(l.path);
    if (!l.identity)
        return parent_missing(patch, name, l.path, err);
    meso_status status = check_cycle(patch, name, &l, err);
    if (status == MESO_OK)
        status = merge_one(d, type, &l, err);
    /* the one who names a file that cannot be read is at fault */
    if (status == MESO_IO)
        status = document_error(patch, name, NULL, err, MESO_NOT_FOUND, "'%s' cannot be read",
                                l.path);
    free(l.identity);
    return status;
}

static meso_status merge_parents(document *d, const document *patch, const object_type *type,
                                 const link *child, meso_error *err)
{
    cJSON *extends = get_member(patch->root, "extends");
    if (!extends)
        return MESO_OK;
    MESO_TRY(field_check(patch, type_find(type, "extends"), extends, err));
    if (cJSON_IsString(extends))
        return merge_parent(d, patch, type, extends, child, err);
    for (const cJSON *name = extends->child; name; name = name->next)
        MESO_TRY(merge_parent(d, patch, type, name, child, err));
    return MESO_OK;
}

/* A parent of another version must not pass because its child says otherwise. */
static meso_status check_version(const document *patch, const object_type *type, meso_error *err)
{
    const field *version = type_find(type, "schema_version");
    cJSON *value = get_member(patch->root, version->key);
    return value ? field_check(patch, version, value, err) : MESO_OK;
}

static meso_status merge_content(document *d, const document *patch, const object_type *type,
                                 const link *l, meso_error *err)
{
    if (!cJSON_IsObject(patch->root)) {
        char got[80];
        return document_error(patch, patch->root, NULL, err, MESO_CONFIG,
                              "expected an object, got %s", document_describe(patch->root, got));
    }
    MESO_TRY(check_version(patch, type, err));
    MESO_TRY(merge_parents(d, patch, type, l, err));
    cJSON_DeleteItemFromObjectCaseSensitive(patch->root, "extends");
    return merge_object(patch, d->root, patch->root, err);
}

static meso_status merge_parsed(document *d, const object_type *type, const link *l,
                                const char *content, size_t length, meso_error *err)
{
    cJSON *root = NULL;
    meso_status status = document_parse(d, l->path, true, content, length, &root, err);
    if (status == MESO_OK) {
        const document patch = {.root = root, .sources = d->sources, .memory = d->memory};
        status = merge_content(d, &patch, type, l, err);
    }
    cJSON_Delete(root);
    return status;
}

static meso_status merge_one(document *d, const object_type *type, link *l, meso_error *err)
{
    if (!l->content && is_builtin(l->path))
        l->content = embedded_find(l->path + strlen(BUILTIN));
    if (l->content)
        return merge_parsed(d, type, l, l->content, strlen(l->content), err);
    char *content;
    size_t length;
    MESO_TRY(text_read_file(l->path, &content, &length, err));
    meso_status status = merge_parsed(d, type, l, content, length, err);
    free(content);
    return status;
}

static meso_status merge_first(document *d, const object_type *type, link *l, meso_error *err)
{
    if (!d->root)
        d->root = cJSON_CreateObject();
    meso_status status = d->root && l->identity ? merge_one(d, type, l, err) : out_of_memory(err);
    free(l->identity);
    return status;
}

meso_status merge_file(document *d, const object_type *type, const char *path, meso_error *err)
{
    link l = {.path = path, .identity = identify(path)};
    if (!l.identity && is_builtin(path)) {
        text message = {0};
        append_missing(d->memory, path, &message);
        error_set(err, MESO_NOT_FOUND, "%s", message.failed ? "" : message.data);
        text_free(&message);
        return MESO_NOT_FOUND;
    }
    if (!l.identity)
        l.identity = strdup(path); /* reading it will say why */
    return merge_first(d, type, &l, err);
}

meso_status merge_text(document *d, const object_type *type, const char *name, const char *content,
                       meso_error *err)
{
    link l = {.path = name, .content = content, .identity = strdup(name)};
    return merge_first(d, type, &l, err);
}
