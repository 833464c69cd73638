#include "cli/settings.h"

#include "base/text.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "results/<stem>" for "any/where/<stem>.json" */
static char *default_directory(const char *path)
{
    text t = {0};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    text_appendf(&t, "results/%.*s", (int)length, name);
    return text_take(&t);
}

static bool set_seed(const command *self, settings *s, const char *word)
{
    if (!*word || word[strspn(word, "0123456789")]) {
        usage_error(self, "--seed: \"%s\" is not a whole number", word);
        return false;
    }
    text t = {0};
    text_appendf(&t, "seed=%s", word);
    free(s->seed);
    s->seed = text_take(&t);
    return s->seed != NULL;
}

static bool set_override(const command *self, settings *s, const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals || equals == word) {
        usage_error(self, "--set: \"%s\" is not path=value", word);
        return false;
    }
    s->overrides[s->n_overrides++] = word;
    return true;
}

static bool set_vector_width(const command *self, settings *s, const char *word)
{
    if (!read_count(self, "--vector-width", word, &s->run.vector_width))
        return false;
    uint32_t width = s->run.vector_width;
    if (width == 1 || width == 4 || width == 8 || width == 16)
        return true;
    usage_error(self, "--vector-width: %u is not 1, 4, 8 or 16", width);
    return false;
}

static bool set_schedule(const command *self, settings *s, const char *word)
{
    static const char *const words[] = {[MESO_SCHEDULE_AUTO] = "auto",
                                        [MESO_SCHEDULE_LAUNCH] = "launch",
                                        [MESO_SCHEDULE_SIDE_BY_SIDE] = "side-by-side"};
    for (int i = 0; i < 3; i++)
        if (strcmp(word, words[i]) == 0) {
            s->run.schedule = (meso_schedule)i;
            return true;
        }
    usage_error(self, "--schedule: \"%s\" is not auto, launch or side-by-side", word);
    return false;
}

bool settings_take(const command *self, settings *s, int id, const char *word)
{
    switch (id) {
    case OPTION_OUT:
        free(s->directory);
        s->directory = strdup(word);
        return s->directory != NULL;
    case OPTION_DEVICE:
        s->device.selector = word;
        return true;
    case OPTION_SEED:
        return set_seed(self, s, word);
    case OPTION_SET:
        return set_override(self, s, word);
    case OPTION_RESUME:
        return s->resume = true;
    case OPTION_CHECKPOINT:
        if (!read_number(self, "--checkpoint-min", word, 0, 1e6, &s->run.checkpoint_wall_s))
            return false;
        s->run.checkpoint_wall_s *= 60;
        return true;
    case OPTION_STOP_AFTER:
        return read_number(self, "--stop-after-s", word, 1e-6, 1e12, &s->run.stop_after_s);
    case OPTION_FORCE:
        return s->force = true;
    case OPTION_QUIET:
        return s->quiet = true;
    case OPTION_PROFILE:
        return s->device.profile = true;
    case OPTION_NO_CACHE:
        return s->device.no_program_cache = true;
    case OPTION_DUMP_KERNELS:
        s->device.dump_directory = word;
        return true;
    case OPTION_WORK_GROUP_SIZE:
        return read_count(self, "--work-group-size", word, &s->run.work_group_size);
    case OPTION_VECTOR_WIDTH:
        return set_vector_width(self, s, word);
    case OPTION_PARTITIONS:
        return read_count(self, "--partitions", word, &s->run.partitions);
    case OPTION_SCHEDULE:
        return set_schedule(self, s, word);
    default: /* OPTIONS_BAD */
        return false;
    }
}

bool settings_begin(settings *s, int argc)
{
    s->overrides = calloc((size_t)argc + 1, sizeof *s->overrides);
    return s->overrides != NULL;
}

void settings_end(settings *s)
{
    if (s->seed)
        s->overrides[s->n_overrides++] = s->seed;
}

bool settings_read(const command *self, int argc, char **argv, settings *s)
{
    if (!settings_begin(s, argc))
        return false;
    int id;
    while ((id = next_option(self, argc, argv)) != OPTIONS_END)
        if (!settings_take(self, s, id, optarg))
            return false;
    if (!read_operand(self, argc, argv, &s->experiment))
        return false;
    settings_end(s);
    if (s->force && s->resume) {
        usage_error(self, "--force and --resume: one replaces a run, the other goes on with it");
        return false;
    }
    if (!s->directory)
        s->directory = default_directory(s->experiment);
    return s->directory != NULL;
}

void settings_free(settings *s)
{
    free(s->directory);
    free(s->seed);
    free(s->overrides);
    *s = (settings){0};
}
