/* A shop lets its customers write their own discount rules, and must not be hurt by them: the
 * smallest program with a sandbox inside.
 *
 *   cc quote.c $(pkg-config --cflags --libs tidelock-script) -o quote && ./quote */
#include <stdio.h>
#include <string.h>
#include <tidelock/script/sandbox.h>

static const char rules[] = "function quote(order)\n"
                            "    local rate = stock.level(order.item) > 100 and FEW or MANY\n"
                            "    return order.price * order.count * (1 - rate), 'rate ' .. rate\n"
                            "end\n"
                            "function bad_loop() while true do pcall(error) end end\n"
                            "function bad_call() local level = stock.level({}) end\n"
                            "return { quote = quote, loop = bad_loop, call = bad_call }\n";

/* stock.level(item): scripts call it, it answers with plain values. */
static bool level(void *host, struct sandbox_call *call)
{
    struct sandbox_value item, answer = {.type = SANDBOX_INTEGER, .integer = 250};
    (void)host;
    sandbox_argument(call, 0, &item);
    if (item.type != SANDBOX_TEXT)
        return sandbox_refuse(call, "stock.level wants the item's name");
    sandbox_answer(call, &answer);
    return true;
}

static int complain(struct sandbox *box)
{
    const struct sandbox_failure *failure = sandbox_failure(box);
    printf("%s: %s\n", sandbox_end_name(failure->end), failure->text);
    return 1;
}

static void show_quote(struct sandbox *box, int quote)
{
    struct sandbox_value total, note;
    char digits[SANDBOX_UNITS_TEXT];

    sandbox_start(box, quote);
    sandbox_push_table(box);
    sandbox_push_text(box, "tea", 3);
    sandbox_put_field(box, "item");
    if (!sandbox_push_decimal_text(box, "19.99"))
        return;
    sandbox_put_field(box, "price");
    sandbox_push_integer(box, 3);
    sandbox_put_field(box, "count");
    if (!sandbox_run(box)) {
        complain(box);
        return;
    }
    sandbox_result(box, 0, &total);
    sandbox_result(box, 1, &note);
    if (sandbox_value_digits(&total, digits))
        printf("three teas: %s (%s)\n", digits, note.text);
}

int main(void)
{
    struct sandbox_limits limits = {.memory_bytes = 1 << 20, .instructions = 20000,
                                    .wall_ms = 1000};
    struct sandbox_value few = {.type = SANDBOX_DECIMAL}, many = {.type = SANDBOX_DECIMAL};
    struct sandbox *box = sandbox_new(&limits);
    struct sandbox_usage usage;
    int module;

    if (!sandbox_parse_units("0.05", &few.units) || !sandbox_parse_units("0.15", &many.units) ||
        !sandbox_set_constant(box, "FEW", &few) || !sandbox_set_constant(box, "MANY", &many) ||
        !sandbox_set_function(box, "stock.level", level, NULL) ||
        !sandbox_load(box, rules, strlen(rules), "rules.lua", &module))
        return complain(box);
    sandbox_seal(box);
    show_quote(box, sandbox_find(box, module, "quote"));
    static const char *const hostile[] = {"loop", "call"};
    for (int i = 0; i < 2; i++) {
        sandbox_start(box, sandbox_find(box, module, hostile[i]));
        if (!sandbox_run(box))
            complain(box);
    }
    show_quote(box, sandbox_find(box, module, "quote")); /* the box is as good as before */
    sandbox_usage(box, &usage);
    printf("calls %llu, errors %llu, kills %llu\n", (unsigned long long)usage.calls,
           (unsigned long long)usage.errors, (unsigned long long)usage.kills);
    sandbox_free(box);
    return 0;
}
