/* What a result directory holds, for people. */
#include "base/text.h"
#include "output/directory.h"
#include "sonata/h5.h"
#include <dirent.h>
#include <inttypes.h>
#include <mesocl/output.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- reading ---------------------------------------------------------------------------------- */

static hid_t open_file(const char *path)
{
    return access(path, R_OK) == 0 ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
}

/* Rows, and columns when it is a matrix, of a dataset; zero when it is not there. */
static uint64_t dataset_size(hid_t place, const char *name, uint64_t *n_columns)
{
    hsize_t size[H5S_MAX_RANK] = {0};
    hid_t id = H5Dopen2(place, name, H5P_DEFAULT);
    if (id < 0)
        return 0;
    hid_t space = H5Dget_space(id);
    int rank = H5Sget_simple_extent_dims(space, size, NULL);
    H5Sclose(space);
    H5Dclose(id);
    if (n_columns != NULL)
        *n_columns = rank > 1 ? size[1] : 1;
    return rank > 0 ? size[0] : 0;
}

static bool read_doubles(hid_t place, const char *name, double *values)
{
    hid_t id = H5Dopen2(place, name, H5P_DEFAULT);
    bool read = id >= 0 &&
                H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (id >= 0)
        H5Dclose(id);
    return read;
}

/* Attribute `units` of a dataset into `unit`; empty when it has none. */
static void read_unit(hid_t place, const char *name, char *unit, size_t size)
{
    unit[0] = '\0';
    hid_t id = H5Aopen_by_name(place, name, "units", H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0)
        return;
    hid_t type = H5Aget_type(id);
    char *value = NULL;
    if (H5Tis_variable_str(type) > 0 && H5Aread(id, type, &value) >= 0 && value != NULL) {
        snprintf(unit, size, "%s", value);
        H5free_memory(value);
    }
    H5Tclose(type);
    H5Aclose(id);
}

typedef void visitor(hid_t group, const char *name, text *out);

/* Visit the members of a group by name. */
static void for_each(hid_t file, const char *group_name, visitor *visit, text *out)
{
    H5G_info_t members;
    hid_t group = H5Gopen2(file, group_name, H5P_DEFAULT);
    if (group < 0)
        return;
    if (H5Gget_info(group, &members) < 0)
        members.nlinks = 0;
    for (hsize_t i = 0; i < members.nlinks; i++) {
        h5_name name = {""};
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.path, sizeof name.path,
                           H5P_DEFAULT);
        visit(group, name.path, out);
    }
    H5Gclose(group);
}

/* --- spikes.h5 and reports -------------------------------------------------------------------- */

static void describe_train(hid_t group, const char *name, text *out)
{
    h5_name timestamps = h5_name_of("%s/timestamps", name);
    text_appendf(out, "  %-40s %12" PRIu64 " spikes\n", name,
                 dataset_size(group, timestamps.path, NULL));
}

static void describe_spikes(hid_t file, text *out)
{
    for_each(file, "/spikes", describe_train, out);
}

static void describe_frames(hid_t group, const char *name, text *out)
{
    h5_name data = h5_name_of("%s/data", name), time = h5_name_of("%s/mapping/time", name);
    char unit[32];
    double time_ms[3] = {0, 0, 0};
    uint64_t n_columns = 0, n_rows = dataset_size(group, data.path, &n_columns);
    read_unit(group, data.path, unit, sizeof unit);
    if (dataset_size(group, time.path, NULL) == 3)
        read_doubles(group, time.path, time_ms);
    text_appendf(out, "  %-40s %12" PRIu64 " frames of %" PRIu64 ", %s, %g to %g ms every %g ms\n",
                 name, n_rows, n_columns, unit, time_ms[0], time_ms[1], time_ms[2]);
}

static void describe_report(hid_t file, text *out)
{
    for_each(file, "/report", describe_frames, out);
}

/* --- timeline.h5 ------------------------------------------------------------------------------ */

static void describe_series(hid_t group, const char *name, text *out)
{
    h5_name path;
    char unit[32];
    if (H5Iget_name(group, path.path, sizeof path.path) < 0)
        return;
    path = h5_name_of("%s%s%s", path.path + 1, strlen(path.path) > 1 ? "/" : "", name);
    for (char *c = path.path; *c != '\0'; c++)
        if (*c == '/')
            *c = '.';
    uint64_t n_columns = 1, n = dataset_size(group, name, &n_columns) * n_columns;
    double *values = calloc(n + 1, sizeof *values);
    if (values == NULL || !read_doubles(group, name, values)) {
        free(values);
        return;
    }
    double low = values[0], high = values[0];
    for (uint64_t i = 1; i < n; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    free(values);
    read_unit(group, name, unit, sizeof unit);
    if (strcmp(unit, "1") == 0)
        unit[0] = '\0'; /* a fraction */
    text_appendf(out, "  %-40s %12" PRIu64 " values, %.4g to %.4g %s\n", path.path, n, low, high,
                 unit);
}

static void describe_member(hid_t group, const char *name, text *out)
{
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (H5Iget_type(object) == H5I_GROUP)
        for_each(group, name, describe_member, out);
    else if (object >= 0)
        describe_series(group, name, out);
    if (object >= 0)
        H5Oclose(object);
}

static void describe_timeline(hid_t file, text *out)
{
    for_each(file, "/", describe_member, out);
}

/* --- synapses and network --------------------------------------------------------------------- */

static void describe_variable(hid_t group, const char *name, text *out)
{
    uint64_t n_synapses = 0, n_readings = dataset_size(group, name, &n_synapses);
    char unit[32];
    read_unit(group, name, unit, sizeof unit);
    text_appendf(out, "  %-40s %12" PRIu64 " readings of %" PRIu64 ", %s\n", name, n_readings,
                 n_synapses, unit);
}

static void describe_synapses(hid_t file, text *out)
{
    for_each(file, "/values", describe_variable, out);
}

static void describe_population(hid_t group, const char *name, text *out)
{
    h5_name targets = h5_name_of("%s/target_node_id", name);
    text_appendf(out, "  %-40s %12" PRIu64 " edges\n", name,
                 dataset_size(group, targets.path, NULL));
}

static void describe_edges(hid_t file, text *out)
{
    for_each(file, "/edges", describe_population, out);
}

/* --- checkpoint.h5 ---------------------------------------------------------------------------- */

static void describe_checkpoint(hid_t file, text *out)
{
    double time_s;
    if (dataset_size(file, "/time_s", NULL) == 1 && read_doubles(file, "/time_s", &time_s))
        text_appendf(out, "  %-40s %12g s simulated\n", "--resume goes on from", time_s);
}

/* --- summary.json ----------------------------------------------------------------------------- */

/* The summary has one key a line, so it is shown a line at a time without the signs of JSON. */
static void describe_summary(const char *path, text *out)
{
    char *content = NULL;
    size_t length;
    if (text_read_file(path, &content, &length, NULL) != MESO_OK)
        return;
    char *rest = NULL;
    for (char *line = strtok_r(content, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *key = strchr(line, '"'), *end = key != NULL ? strstr(key, "\": ") : NULL;
        if (end == NULL)
            continue;
        char *value = end + 3;
        size_t n = strlen(value);
        if (n > 0 && value[n - 1] == ',')
            value[--n] = '\0';
        if (n > 1 && value[0] == '"') {
            value[n - 1] = '\0';
            value++;
        }
        text_appendf(out, "%*s%-*.*s %s\n", (int)(key - line), "", 42 - (int)(key - line),
                     (int)(end - key - 1), key + 1, strcmp(value, "{") == 0 ? "" : value);
    }
    free(content);
}

/* --- the directory ---------------------------------------------------------------------------- */

typedef void describer(hid_t file, text *out);

static bool describe_file(const char *directory, const char *name, describer *describe, text *out)
{
    char *path = path_join(directory, name);
    if (path == NULL || access(path, F_OK) != 0) {
        free(path);
        return false;
    }
    hid_t file = open_file(path);
    text_appendf(out, "%s%s\n", name, file < 0 ? ": cannot be read" : "");
    if (file >= 0) {
        describe(file, out);
        H5Fclose(file);
    }
    free(path);
    return true;
}

static int is_h5(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 3 && strcmp(entry->d_name + length - 3, ".h5") == 0;
}

static bool describe_files(const char *directory, const char *inside, describer *describe,
                           text *out)
{
    char *path = path_join(directory, inside);
    struct dirent **entries = NULL;
    int n = path != NULL ? scandir(path, &entries, is_h5, alphasort) : 0;
    for (int i = 0; i < n; i++) {
        h5_name name = h5_name_of("%s/%s", inside, entries[i]->d_name);
        describe_file(directory, name.path, describe, out);
        free(entries[i]);
    }
    free(entries);
    free(path);
    return n > 0;
}

static bool describe_run(const char *directory, text *out)
{
    h5_silence_state before = h5_silence();
    bool found = describe_file(directory, "spikes.h5", describe_spikes, out);
    found |= describe_files(directory, "reports", describe_report, out);
    found |= describe_files(directory, "synapses", describe_synapses, out);
    found |= describe_files(directory, "network", describe_edges, out);
    found |= describe_file(directory, "timeline.h5", describe_timeline, out);
    describe_file(directory, "checkpoint.h5", describe_checkpoint, out);
    h5_restore(before);

    char *path = path_join(directory, "summary.json");
    bool ended = path != NULL && access(path, F_OK) == 0;
    if (ended) {
        text_append(out, "summary.json\n");
        describe_summary(path, out);
    } else if (found) {
        text_append(out, "summary.json: missing, the run has not ended\n");
    }
    free(path);
    return found || ended;
}

meso_status meso_output_info(const char *directory, char **info, meso_error *err)
{
    *info = NULL;
    text out = {0};
    if (access(directory, R_OK | X_OK) != 0)
        return error_set(err, MESO_NOT_FOUND, "%s: no such directory, or not readable", directory);
    if (!describe_run(directory, &out)) {
        text_free(&out);
        return error_set(err, MESO_NOT_FOUND, "%s holds no result of mesocl", directory);
    }
    *info = text_take(&out);
    return *info != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}
