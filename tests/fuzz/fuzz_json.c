/* Throws bytes at the JSON reader and checks what its tree promises: counts that are true, texts
 * that are terminated UTF-8, numbers that follow the grammar, keys that are unique, and a second
 * reading of the written tree that gives the same tree. */
#include "base/json.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define INSIST(claim)                                                                              \
    do {                                                                                           \
        if (!(claim))                                                                              \
            abort();                                                                               \
    } while (0)

static void check_text(const char *text, uint32_t length)
{
    INSIST(text && strlen(text) == length);
    INSIST(text_is_utf8(text, length));
}

static void check_number(const struct json *node)
{
    const char *at = node->text;
    check_text(at, node->length);
    at += *at == '-';
    INSIST(*at >= '0' && *at <= '9');
    INSIST(!(at[0] == '0' && at[1] >= '0' && at[1] <= '9'));
    INSIST(strspn(node->text, "0123456789+-.eE") == node->length);
    struct decimal value;
    struct err err;
    if (decimal_parse(node->text, node->length, &value, &err))
        INSIST(decimal_ok(value));
    else
        INSIST(err.class == ERR_REFUSED && err.text[0]);
}

static uint32_t check_tree(struct str *out, const struct json *node, uint32_t depth)
{
    uint32_t nodes = 1, count = 0;
    switch (node->type) {
    case JSON_NULL:
        str_puts(out, "null");
        break;
    case JSON_FALSE:
        str_puts(out, "false");
        break;
    case JSON_TRUE:
        str_puts(out, "true");
        break;
    case JSON_NUMBER:
        check_number(node);
        str_put(out, node->text, node->length);
        break;
    case JSON_STRING:
        check_text(node->text, node->length);
        str_put_json_n(out, node->text, node->length);
        break;
    default:
        INSIST(depth <= 16);
        str_putc(out, node->type == JSON_OBJECT ? '{' : '[');
        for (const struct json *child = node->child; child; child = child->next, count++) {
            if (count)
                str_putc(out, ',');
            INSIST((child->key != NULL) == (node->type == JSON_OBJECT));
            if (child->key) {
                check_text(child->key, child->key_length);
                INSIST(json_get(node, child->key) == child);
                str_put_json_n(out, child->key, child->key_length);
                str_putc(out, ':');
            }
            nodes += check_tree(out, child, depth + 1);
        }
        str_putc(out, node->type == JSON_OBJECT ? '}' : ']');
    }
    INSIST(count == node->count);
    INSIST(node->child == NULL || node->type >= JSON_ARRAY);
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena, second;
    static struct str written, again;
    struct err err = {0};
    arena_reset(&arena);
    arena_reset(&second);
    str_clear(&written);
    str_clear(&again);
    const struct json *root = json_parse(&arena, (const char *)data, size, NULL, &err);
    if (!root) {
        INSIST(err.class == ERR_REFUSED && err.code == ERR_INPUT);
        INSIST(text_starts(err.text, "line ") && text_is_utf8(err.text, strlen(err.text)));
        return 0;
    }
    INSIST(text_is_utf8((const char *)data, size));
    INSIST(check_tree(&written, root, 1) <= 4096);
    root = json_parse(&second, written.data, written.length, NULL, &err);
    INSIST(root);
    check_tree(&again, root, 1);
    INSIST(written.length == again.length);
    INSIST(memcmp(written.data, again.data, written.length) == 0);
    return 0;
}
