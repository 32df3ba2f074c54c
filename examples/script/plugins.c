/* A plug-in host: every .lua file of a folder is a plug-in with a function on_event(text), reloaded
 * when its file changes. A new version is loaded aside and swapped in only when it is good, so a
 * typing mistake never takes a working plug-in away, and one plug-in cannot harm another or the
 * host.
 *
 *   cc plugins.c $(pkg-config --cflags --libs tidelock-script) -o plugins
 *   ./plugins plugins        # then type events, one a line; edit the files meanwhile */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tidelock/script/sandbox.h>

#define PLUGINS_MOST 32
#define TEXT_MOST 65536

struct plugin {
    char name[64];
    struct timespec changed;
    off_t size;
    struct sandbox *box; /* NULL: never was good */
    int on_event;
    int seen; /* in this look at the folder */
};
static struct plugin plugins[PLUGINS_MOST];
static int plugin_count;

/* A box with the text in it, sealed; NULL: it says why on its own. */
static struct sandbox *load(const char *name, const char *text, size_t length, int *on_event)
{
    struct sandbox_limits limits = {.memory_bytes = 1 << 20, .instructions = 50000,
                                    .wall_ms = 1000};
    struct sandbox *box = sandbox_new(&limits);
    int module = 0;

    if (!sandbox_load(box, text, length, name, &module)) {
        printf("%s: not loaded: %s\n", name, sandbox_failure(box)->text);
    } else {
        sandbox_seal(box);
        *on_event = sandbox_find(box, module, "on_event");
        if (*on_event)
            return box;
        printf("%s: not loaded: it returns no table with on_event\n", name);
    }
    sandbox_free(box);
    return NULL;
}

static void reload(struct plugin *plugin, const char *path)
{
    static char text[TEXT_MOST];
    int on_event = 0;
    FILE *file = fopen(path, "rb");

    if (!file)
        return;
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    struct sandbox *box = load(plugin->name, text, length, &on_event);
    if (!box)
        return;
    printf("%s: %s\n", plugin->name, plugin->box ? "swapped" : "loaded");
    sandbox_free(plugin->box);
    plugin->box = box;
    plugin->on_event = on_event;
}

static struct plugin *find_or_add(const char *name)
{
    for (int i = 0; i < plugin_count; i++)
        if (strcmp(plugins[i].name, name) == 0)
            return &plugins[i];
    if (plugin_count == PLUGINS_MOST || strlen(name) >= sizeof plugins->name)
        return NULL;
    struct plugin *plugin = &plugins[plugin_count++];
    memset(plugin, 0, sizeof *plugin);
    memcpy(plugin->name, name, strlen(name) + 1);
    return plugin;
}

static void look_at(const char *folder, const char *name)
{
    char path[4096];
    struct stat now;
    size_t length = strlen(name);
    struct plugin *plugin;

    if (length < 5 || strcmp(name + length - 4, ".lua") != 0)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (stat(path, &now) != 0 || !(plugin = find_or_add(name)))
        return;
    plugin->seen = 1;
    if (plugin->changed.tv_sec == now.st_mtim.tv_sec &&
        plugin->changed.tv_nsec == now.st_mtim.tv_nsec && plugin->size == now.st_size)
        return;
    plugin->changed = now.st_mtim;
    plugin->size = now.st_size;
    reload(plugin, path);
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct plugin *)left)->name, ((const struct plugin *)right)->name);
}

static void look(const char *folder)
{
    DIR *handle = opendir(folder);
    const struct dirent *entry;
    int kept = 0;

    if (!handle)
        return;
    for (int i = 0; i < plugin_count; i++)
        plugins[i].seen = 0;
    while ((entry = readdir(handle)) != NULL)
        look_at(folder, entry->d_name);
    closedir(handle);
    for (int i = 0; i < plugin_count; i++) {
        if (plugins[i].seen) {
            plugins[kept++] = plugins[i];
        } else {
            printf("%s: gone\n", plugins[i].name);
            sandbox_free(plugins[i].box);
        }
    }
    plugin_count = kept;
    qsort(plugins, (size_t)plugin_count, sizeof *plugins, compare);
}

static void tell(struct plugin *plugin, const char *event)
{
    struct sandbox_value said;

    if (!plugin->box)
        return;
    sandbox_start(plugin->box, plugin->on_event);
    sandbox_push_text(plugin->box, event, strlen(event));
    if (!sandbox_run(plugin->box)) {
        printf("%s: %s\n", plugin->name, sandbox_failure(plugin->box)->text);
        return;
    }
    sandbox_result(plugin->box, 0, &said);
    if (said.type == SANDBOX_TEXT)
        printf("%s: %s\n", plugin->name, said.text);
}

int main(int count, char **words)
{
    char line[1024];

    if (count != 2) {
        fprintf(stderr, "usage: plugins FOLDER\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    look(words[1]);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        look(words[1]);
        for (int i = 0; i < plugin_count; i++)
            tell(&plugins[i], line);
        printf("-- %s\n", line);
    }
    for (int i = 0; i < plugin_count; i++)
        sandbox_free(plugins[i].box);
    return 0;
}
