/* Watches a folder of folders (strategies/) and says which of them changed, once the writing has
 * settled. */
#ifndef TIDELOCK_IO_WATCH_H
#define TIDELOCK_IO_WATCH_H
#include "base/err.h"
#include "io/loop.h"

#define WATCH_SETTLE_MS 50       /* quiet time before a change is told */
#define WATCH_SETTLE_MAX_MS 1000 /* told at the latest after this, however busy the folder is */
#define WATCH_FOLDERS_MAX 1024   /* folders below the root, at all depths */

struct watch;
/* changed(ctx, folder): `folder` is the name of the direct subfolder of root in or below which
 * something was written, renamed (also over), created or removed, or which itself came or went; ""
 * when it was a file directly in root. One call per folder and settled burst. Names starting with a
 * dot or ending in ~ (editors' swap files) are not looked at. Folders that come later are watched
 * too. NULL and *err when root cannot be watched. */
struct watch *watch_new(struct loop *loop, const char *root,
                        void (*changed)(void *ctx, const char *folder), void *ctx,
                        struct err *err) MUST_CHECK;
void watch_free(struct watch *watch); /* NULL accepted */
#endif
