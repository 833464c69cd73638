/**
 * A JSON document that knows where each of its values was written.
 *
 * cJSON keeps neither lines nor files. Each source (a file, or one --set) therefore owns a range of
 * line numbers, and the otherwise unused `valueint` of a node holds the number of the line where it
 * was written. Merging nodes keeps it, so an error always names the file that a user must edit.
 */
#ifndef CONFIG_DOCUMENT_H
#define CONFIG_DOCUMENT_H

#include "base/arena.h"
#include "base/status.h"
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct text_source {
    struct text_source *next;
    const char *name; /* as shown: a path, or "--set path=value" */
    int first_line;   /* its line 1 is number first_line + 1 */
    int n_lines;
    bool is_file;
} text_source;

typedef struct document {
    cJSON *root;
    text_source *sources; /* latest first */
    arena *memory;        /* borrowed */
} document;

/**
 * Parse `content` as a new source of the document.
 * Outputs   value  owned by the caller, freed with cJSON_Delete
 * Errors    MESO_CONFIG: not JSON, or a name that is defined twice in one object
 */
meso_status document_parse(document *d, const char *name, bool is_file, const char *content,
                           size_t length, cJSON **value, meso_error *err);
void document_free(document *d);

/** Give `node` and all below it the place of `at`. */
void document_copy_place(cJSON *node, const cJSON *at);

/**
 * An error about `node`, or about its key `key` when that is not NULL (it may be missing):
 * "file:line: json.path: text".
 */
meso_status document_error(const document *d, const cJSON *node, const char *key, meso_error *err,
                           meso_status status, const char *format, ...) MESO_PRINTF(6, 7);

/** "file:line" of the value of `key` in `node`, in the document's memory; NULL when out of memory. */
const char *document_place(const document *d, const cJSON *node, const char *key);

/** Path of the file in which `node` was written; NULL when that was no file (--set). */
const char *document_file(const document *d, const cJSON *node);

/** The value in words ("the string 'a'", "an object"); in `buffer` when it must be composed. */
const char *document_describe(const cJSON *node, char buffer[80]);

#define NUMBER_TEXT 32
/** The shortest decimal that reads back as x, of 15 digits or 17. */
const char *number_text(double x, char buffer[NUMBER_TEXT]);

/** Text of `node`, with every digit of its numbers, to be freed with free(). Spoils the node. */
char *document_print(cJSON *node);

/** Members that count: keys that start with '_' are comments. */
bool is_comment(const cJSON *member);
cJSON *first_member(const cJSON *object);
cJSON *next_member(const cJSON *member);
size_t count_members(const cJSON *object);
cJSON *get_member(const cJSON *object, const char *key);

#endif
