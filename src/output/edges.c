#include "output/edges.h"

#include "output/directory.h"
#include "output/provenance.h"
#include "sonata/h5.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- who and how strong ----------------------------------------------------------------------- */

static meso_status write_ends(h5_file *file, const char *population, const meso_edges *edges,
                              meso_error *err)
{
    const h5_name source = h5_name_of("%s/source_node_id", population);
    const h5_name target = h5_name_of("%s/target_node_id", population);
    const uint64_t n = edges->n;
    MESO_TRY(h5_write(file, source.path, H5T_NATIVE_UINT64, n, edges->source_ids, err));
    MESO_TRY(h5_attribute_text(file, source.path, "node_population", edges->source, err));
    MESO_TRY(h5_write(file, target.path, H5T_NATIVE_UINT64, n, edges->target_ids, err));
    return h5_attribute_text(file, target.path, "node_population", edges->target, err);
}

/* All edges are of type 0 and in group 0. */
static meso_status write_types(h5_file *file, const char *population, uint64_t n, meso_error *err)
{
    const h5_name type = h5_name_of("%s/edge_type_id", population);
    const h5_name group = h5_name_of("%s/edge_group_id", population);
    const h5_name index = h5_name_of("%s/edge_group_index", population);
    uint64_t *numbers = calloc(n + 1, sizeof *numbers);
    meso_status status = MESO_OK;
    if (numbers == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for edges");
    MESO_GO(h5_write(file, type.path, H5T_NATIVE_INT64, n, numbers, err));
    MESO_GO(h5_write(file, group.path, H5T_NATIVE_UINT64, n, numbers, err));
    for (uint64_t i = 0; i < n; i++)
        numbers[i] = i;
    MESO_GO(h5_write(file, index.path, H5T_NATIVE_UINT64, n, numbers, err));
done:
    free(numbers);
    return status;
}

static meso_status write_values(h5_file *file, const char *population, const meso_edges *edges,
                                meso_error *err)
{
    const uint64_t n = edges->n;
    const h5_name delay = h5_name_of("%s/0/delay", population);
    MESO_TRY(h5_write(file, delay.path, H5T_NATIVE_FLOAT, n, edges->delay_ms, err));
    MESO_TRY(h5_attribute_text(file, delay.path, "units", "ms", err));
    for (uint32_t v = 0; v < edges->n_variables; v++) {
        const meso_series_info *variable = &edges->variables[v];
        const h5_name values = h5_name_of("%s/0/%s", population,
                                          v == 0 ? "syn_weight" : variable->name);
        MESO_TRY(h5_write(file, values.path, H5T_NATIVE_FLOAT, n, edges->values + v * n, err));
        MESO_TRY(h5_attribute_text(file, values.path, "units", variable->unit, err));
    }
    return MESO_OK;
}

/* --- indices ---------------------------------------------------------------------------------- */

/* Edges of each node as ranges of edge ids, [begin, end); and each node's ranges among them. */
typedef struct edge_index {
    uint64_t (*of_nodes)[2], (*of_edges)[2];
    uint64_t n_nodes, n_ranges;
} edge_index;

/* Is this edge the next of the same node as the one before it? */
static bool continues(const uint64_t *nodes, uint64_t i)
{
    return i > 0 && nodes[i] == nodes[i - 1];
}

static meso_status index_make(const uint64_t *nodes, uint64_t n, uint64_t n_nodes, edge_index *x,
                              meso_error *err)
{
    *x = (edge_index){.n_nodes = n_nodes};
    for (uint64_t i = 0; i < n; i++)
        x->n_ranges += !continues(nodes, i);
    x->of_nodes = calloc(n_nodes + 1, sizeof *x->of_nodes);
    x->of_edges = calloc(x->n_ranges + 1, sizeof *x->of_edges);
    if (x->of_nodes == NULL || x->of_edges == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for edges");
    for (uint64_t i = 0; i < n; i++)
        x->of_nodes[nodes[i]][1] += !continues(nodes, i);
    for (uint64_t k = 0, first = 0; k < n_nodes; k++) {
        const uint64_t n_own = x->of_nodes[k][1];
        x->of_nodes[k][0] = first;
        x->of_nodes[k][1] = first; /* grows as its ranges are found */
        first += n_own;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t *end = &x->of_nodes[nodes[i]][1];
        if (!continues(nodes, i))
            x->of_edges[(*end)++][0] = i;
        x->of_edges[*end - 1][1] = i + 1;
    }
    return MESO_OK;
}

static meso_status write_index(h5_file *file, const char *population, const char *direction,
                               const uint64_t *nodes, uint64_t n, uint64_t n_nodes, meso_error *err)
{
    const h5_name to_ranges = h5_name_of("%s/indices/%s/node_id_to_ranges", population, direction);
    const h5_name alias = h5_name_of("%s/indices/%s/node_id_to_range", population, direction);
    const h5_name to_edges = h5_name_of("%s/indices/%s/range_to_edge_id", population, direction);
    edge_index x;
    meso_status status = index_make(nodes, n, n_nodes, &x, err);
    if (status != MESO_OK)
        goto done;
    MESO_GO(h5_write_matrix(file, to_ranges.path, H5T_NATIVE_UINT64, x.n_nodes, 2, x.of_nodes, err));
    MESO_GO(h5_hard_link(file, to_ranges.path, alias.path, err)); /* as Allen's examples spell it */
    MESO_GO(h5_write_matrix(file, to_edges.path, H5T_NATIVE_UINT64, x.n_ranges, 2, x.of_edges, err));
done:
    free(x.of_nodes);
    free(x.of_edges);
    return status;
}

/* --- the file --------------------------------------------------------------------------------- */

static meso_status write_file(h5_file *file, const meso_edges *edges, meso_error *err)
{
    const h5_name population = h5_name_of("/edges/%s__%s__chemical", edges->source, edges->target);
    const char *name = population.path;
    MESO_TRY(provenance_write(file, edges->run, true, err));
    MESO_TRY(write_ends(file, name, edges, err));
    MESO_TRY(h5_attribute_text(file, name, "projection", edges->projection, err));
    MESO_TRY(h5_attribute(file, name, "time_s", H5T_NATIVE_DOUBLE, 0, &edges->time_s, err));
    MESO_TRY(write_types(file, name, edges->n, err));
    MESO_TRY(write_values(file, name, edges, err));
    MESO_TRY(write_index(file, name, "source_to_target", edges->source_ids, edges->n,
                         edges->n_sources, err));
    return write_index(file, name, "target_to_source", edges->target_ids, edges->n,
                       edges->n_targets, err);
}

meso_status edges_write(const char *directory, const meso_edges *edges, meso_error *err)
{
    const h5_name name = h5_name_of("network/%s_%.15gs_edges.h5", edges->projection, edges->time_s);
    h5_file file = {0};
    MESO_TRY(directory_add(directory, "network", err));
    char *path = path_join(directory, name.path);
    if (path == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for a path");
    meso_status status = h5_file_create(path, &file, err);
    if (status == MESO_OK)
        status = write_file(&file, edges, err);
    const meso_status closed = h5_file_close(&file, status == MESO_OK ? err : NULL);
    status = status == MESO_OK ? closed : status;
    if (status == MESO_OK && !path_sync(path)) /* a run that goes on does not write it again */
        status = error_set(err, MESO_IO, "cannot write %s: %s", path, strerror(errno));
    free(path);
    return status;
}
