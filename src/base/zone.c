/* Reading the system's time zone files (RFC 8536, version 2 and up). */
#include "base/zone.h"

#include "base/calendar.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/usr/share/zoneinfo/"
#define FILE_MOST 262144
#define HEADER_SIZE 44u
#define RULE_MOST 128
#define OFFSET_MOST_S 93599 /* 25:59:59, as RFC 8536 has it */

struct zone {
    size_t count;      /* of changes */
    int64_t *at_s;     /* when each change happens */
    int32_t *offset_s; /* what holds from then on */
    int32_t first_s;   /* what held before the first */
    bool has_rule;     /* for the time after the last change */
    struct zone_rule rule;
};

struct counts { /* a TZif header, in the order of the file */
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_i64(const uint8_t *at)
{
    return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

static bool read_header(const uint8_t *at, size_t left, struct counts *out, int *version)
{
    if (left < HEADER_SIZE || memcmp(at, "TZif", 4) != 0)
        return false;
    *version = at[4] >= '2' ? 2 : 1;
    *out = (struct counts){read_u32(at + 20), read_u32(at + 24), read_u32(at + 28),
                           read_u32(at + 32), read_u32(at + 36), read_u32(at + 40)};
    return out->isut <= 256 && out->isstd <= 256 && out->leap <= 1000 && out->time <= 10000 &&
           out->type >= 1 && out->type <= 256 && out->chars <= 1000;
}

static size_t body_size(const struct counts *c, size_t time_size)
{
    return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) +
           c->isstd + c->isut;
}

static bool read_type(const uint8_t *types, uint32_t index, int32_t *offset_s)
{
    *offset_s = (int32_t)read_u32(types + (size_t)index * 6);
    return *offset_s >= -OFFSET_MOST_S && *offset_s <= OFFSET_MOST_S;
}

static bool read_changes(struct zone *zone, const uint8_t *body, const struct counts *c)
{
    const uint8_t *indexes = body + (size_t)c->time * 8, *types = indexes + c->time;
    if (!read_type(types, 0, &zone->first_s))
        return false;
    zone->count = c->time;
    zone->at_s = mem_alloc(c->time * sizeof *zone->at_s);
    zone->offset_s = mem_alloc(c->time * sizeof *zone->offset_s);
    for (uint32_t i = 0; i < c->time; i++) {
        zone->at_s[i] = read_i64(body + (size_t)i * 8);
        if (i > 0 && zone->at_s[i] <= zone->at_s[i - 1])
            return false;
        if (indexes[i] >= c->type || !read_type(types, indexes[i], &zone->offset_s[i]))
            return false;
    }
    return true;
}

static bool read_rule(struct zone *zone, const uint8_t *at, size_t left)
{
    char text[RULE_MOST];
    if (left < 2 || at[0] != '\n')
        return false;
    const uint8_t *close = memchr(at + 1, '\n', left - 1);
    if (!close || (size_t)(close - at) > sizeof text)
        return false;
    size_t length = (size_t)(close - at) - 1;
    if (length == 0)
        return true; /* nothing is promised: the last change goes on */
    memcpy(text, at + 1, length);
    text[length] = '\0';
    zone->has_rule = zone_rule_parse(text, &zone->rule);
    return zone->has_rule;
}

static bool read_tzif(struct zone *zone, const uint8_t *file, size_t size)
{
    struct counts c;
    int version;
    if (!read_header(file, size, &c, &version) || version < 2)
        return false;
    size_t skip = HEADER_SIZE + body_size(&c, 4); /* the 32-bit part for old readers */
    if (skip > size || !read_header(file + skip, size - skip, &c, &version))
        return false;
    const uint8_t *body = file + skip + HEADER_SIZE;
    size_t left = size - skip - HEADER_SIZE, length = body_size(&c, 8);
    if (length > left)
        return false;
    return read_changes(zone, body, &c) && read_rule(zone, body + length, left - length);
}

/* Only names as the zone database has them: no way out of its directory. */
static bool is_plain_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 64 || name[0] == '/' || name[length - 1] == '/')
        return false;
    if (strstr(name, "//") || strchr(name, '.'))
        return false;
    for (const char *at = name; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
              (*at >= '0' && *at <= '9') || strchr("_+-/", *at)))
            return false;
    return true;
}

static bool read_whole(const char *name, uint8_t *bytes, size_t room, size_t *size)
{
    char path[128];
    snprintf(path, sizeof path, "%s%s", DIRECTORY, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    struct stat info;
    bool ok = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    size_t used = 0;
    while (ok && used < room) {
        ssize_t got = read(fd, bytes + used, room - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            ok = false;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    close(fd);
    *size = used;
    return ok && used < room;
}

struct zone *zone_load(const char *name, struct err *err)
{
    struct zone *zone = mem_alloc(sizeof *zone);
    const char *at = name;
    int offset_s;
    if (strcmp(name, "UTC") == 0)
        return zone;
    if (calendar_take_offset(&at, &offset_s) && *at == '\0') {
        zone->first_s = offset_s;
        return zone;
    }
    uint8_t *file = NULL;
    size_t size;
    bool ok = is_plain_name(name);
    if (ok) {
        file = mem_alloc(FILE_MOST);
        ok = read_whole(name, file, FILE_MOST, &size);
    }
    if (!ok) {
        err_set(
            err, ERR_REFUSED, ERR_CONFIG,
            "the time zone \"%.64s\" is unknown; write UTC, an offset such as +05:30, or a name "
            "from " DIRECTORY " such as Asia/Kolkata (package tzdata)",
            name);
    } else if (!read_tzif(zone, file, size)) {
        ok = err_set(err, ERR_REFUSED, ERR_CORRUPT, "the file " DIRECTORY "%s is not a time zone",
                     name);
    }
    mem_free(file);
    if (ok)
        return zone;
    zone_free(zone);
    return NULL;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    mem_free(zone->at_s);
    mem_free(zone->offset_s);
    mem_free(zone);
}

int32_t zone_offset_s(const struct zone *zone, int64_t utc_us)
{
    if (!zone)
        return 0;
    int64_t utc_s = utc_us / 1000000 - (utc_us % 1000000 < 0);
    size_t low = 0, high = zone->count; /* the first change that is still to come */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at_s[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_rule)
        return zone_rule_offset_s(&zone->rule, utc_s);
    return low == 0 ? zone->first_s : zone->offset_s[low - 1];
}
