#include "output/summary.h"
#include "model/experiment.h"
#include "output/directory.h"
#include "output/json_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void utc_now(char *iso, size_t size)
{
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(iso, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

meso_status summary_begin(summary_head *head, arena *memory, const meso_run_info *info,
                          meso_error *err)
{
    const char *title = info->experiment->title;
    *head = (summary_head){.n_populations = info->n_populations};
    utc_now(head->started, sizeof head->started);
    head->title = arena_strdup(memory, title != NULL ? title : "");
    head->device = arena_strdup(memory, info->device->name);
    head->populations = arena_alloc(memory, (info->n_populations + 1) * sizeof(char *));
    bool complete = head->title != NULL && head->device != NULL && head->populations != NULL;
    for (uint32_t p = 0; complete && p < info->n_populations; p++) {
        head->populations[p] = arena_strdup(memory, info->populations[p].name);
        complete = head->populations[p] != NULL;
    }
    return complete ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory for the summary");
}

static const char *status_word(meso_status status)
{
    switch (status) {
    case MESO_OK:
        return "complete";
    case MESO_STOPPED:
        return "stopped";
    default:
        return "failed";
    }
}

static void write_counts(json_text *json, const meso_summary *summary)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, summary->spike_hash);
    json_integer(json, "seed", summary->seed);
    json_string(json, "spike_hash", hash);
    json_number(json, "model_time_s", summary->model_time_s);
    json_number(json, "network_time_s", summary->network_time_s);
    json_number(json, "wall_s", summary->wall_s);
    json_number(json, "compile_s", summary->compile_s);
    json_number(json, "build_s", summary->build_s);
    json_number(json, "real_time_factor", summary->real_time_factor);
    json_integer(json, "neurons", summary->neurons);
    json_integer(json, "synapses", summary->synapses);
    json_number(json, "bytes_per_synapse", summary->bytes_per_synapse);
    json_integer(json, "spikes", summary->spikes);
    json_integer(json, "synaptic_events", summary->synaptic_events);
    json_integer(json, "peak_device_bytes", summary->peak_device_bytes);
}

static void write_assays(json_text *json, const meso_summary *summary)
{
    json_open(json, "assays", '[');
    for (uint32_t i = 0; i < summary->n_assay_values; i++) {
        const meso_assay_value *v = &summary->assay_values[i];
        json_open(json, NULL, '{');
        json_string(json, "name", v->name);
        json_string(json, "assay", v->assay);
        json_string(json, "quantity", v->quantity);
        json_number(json, "time_h", v->time_h);
        json_number(json, "value", v->value);
        json_string(json, "unit", v->unit);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_contacts(json_text *json, const meso_summary *summary)
{
    if (summary->n_contacts == 0)
        return;
    json_open(json, "structure", '{');
    for (uint32_t i = 0; i < summary->n_contacts; i++) {
        const meso_contacts_info *c = &summary->contacts[i];
        json_open(json, c->projection, '{');
        json_number(json, "rate_scale", c->rate_scale);
        json_integer(json, "contacts", c->contacts);
        json_integer(json, "formed", c->formed);
        json_integer(json, "pruned", c->pruned);
        json_number(json, "contacts_per_target", c->per_target);
        json_close(json, '}');
    }
    json_close(json, '}');
}

static void write_contingencies(json_text *json, const meso_summary *summary)
{
    json_open(json, "contingencies", '{');
    for (uint32_t i = 0; i < summary->n_contingencies; i++) {
        const meso_contingency_count *c = &summary->contingencies[i];
        json_open(json, c->name, '{');
        json_integer(json, "triggers", c->triggers);
        json_integer(json, "given", c->given);
        json_close(json, '}');
    }
    json_close(json, '}');
}

static char *summary_text(const summary_head *head, const meso_summary *summary)
{
    json_text json = {0};
    json_open(&json, NULL, '{');
    json_string(&json, "version", summary->version);
    json_string(&json, "title", head->title);
    json_string(&json, "status", status_word(summary->status));
    json_string(&json, "started", head->started);
    json_string(&json, "device", head->device);
    write_counts(&json, summary);
    json_open(&json, "rates_hz", '{');
    for (uint32_t p = 0; p < head->n_populations; p++)
        json_number(&json, head->populations[p], summary->rates_hz[p]);
    json_close(&json, '}');
    write_contacts(&json, summary);
    write_contingencies(&json, summary);
    write_assays(&json, summary);
    json_close(&json, '}');
    return text_take(&json.out);
}

meso_status summary_write(const summary_head *head, const char *directory,
                          const meso_summary *summary, meso_error *err)
{
    char *content = summary_text(head, summary);
    if (content == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for the summary");
    meso_status status = directory_write_file(directory, "summary.json", content, err);
    free(content);
    return status;
}
