/* The worker: batches are what one turn posted or what came while it was busy; nothing is lost, all
 * in order, and full is an answer. */
#include "io/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <semaphore.h>
#include <cmocka.h>

struct task {
    struct worker_job job;
    int number;
    pthread_t ran_on;
};

static struct loop *loop;
static int done_count, done_order_faults;
static size_t batches[64], batch_count;
static sem_t gate; /* the batch function waits here when gated */
static sem_t entered;
static bool gated;

static int start(void **state)
{
    (void)state;
    struct err err;
    loop = loop_new(clock_real(), NULL, &err);
    done_count = done_order_faults = 0;
    batch_count = 0;
    gated = false;
    sem_init(&gate, 0, 0);
    sem_init(&entered, 0, 0);
    return loop ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    loop_free(loop);
    sem_destroy(&gate);
    sem_destroy(&entered);
    return 0;
}

static void run(struct worker_job *job)
{
    ((struct task *)job)->ran_on = pthread_self();
}

static void done(struct worker_job *job)
{
    if (((struct task *)job)->number != done_count)
        done_order_faults++;
    done_count++;
}

static void take_batch(void *ctx, struct worker_job *first, size_t count)
{
    (void)ctx;
    size_t linked = 0;
    for (; first; first = first->next)
        linked++;
    assert_int_equal(linked, count);
    batches[batch_count++] = count;
    if (gated) {
        sem_post(&entered);
        sem_wait(&gate);
    }
}

static void post(struct worker *worker, struct task *task, int number)
{
    struct err err;
    *task = (struct task){.job = {.run = run, .done = done}, .number = number};
    assert_true(worker_post(worker, &task->job, &err));
}

static void runs_elsewhere_and_is_done_here(void **state)
{
    (void)state;
    struct err err;
    struct task task;
    struct worker *worker = worker_new(loop, &(struct worker_options){.name = "test"}, &err);
    assert_non_null(worker);
    post(worker, &task, 0);
    assert_false(worker_idle(worker));
    while (done_count == 0)
        loop_turn(loop, 1000);
    assert_false(pthread_equal(task.ran_on, pthread_self()));
    assert_true(worker_idle(worker));
    worker_free(worker);
}

static void a_turn_is_a_batch(void **state)
{
    (void)state;
    struct err err;
    static struct task tasks[300];
    struct worker_options options = {.name = "test", .batch = take_batch, .batch_max = 100};
    struct worker *worker = worker_new(loop, &options, &err);
    for (int i = 0; i < 7; i++)
        post(worker, &tasks[i], i);
    while (done_count < 7)
        loop_turn(loop, 1000);
    assert_int_equal(batch_count, 1);
    assert_int_equal(batches[0], 7);
    /* While the first is being committed the others gather. */
    gated = true;
    for (int i = 7; i < 300; i++) {
        post(worker, &tasks[i], i);
        if (i == 7) {
            loop_turn(loop, 0);
            sem_wait(&entered);
        } else {
            loop_turn(loop, 0);
        }
    }
    gated = false;
    sem_post(&gate);
    while (done_count < 300)
        loop_turn(loop, 1000);
    assert_int_equal(batches[1], 1);
    assert_int_equal(batches[2], 100);
    assert_int_equal(batches[3], 100);
    assert_int_equal(batches[4], 92);
    assert_int_equal(done_order_faults, 0);
    worker_free(worker);
}

static void full_is_an_answer(void **state)
{
    (void)state;
    struct err err;
    struct task tasks[4];
    struct worker *worker =
        worker_new(loop, &(struct worker_options){.name = "test", .queue_max = 3}, &err);
    for (int i = 0; i < 3; i++)
        post(worker, &tasks[i], i);
    tasks[3] = (struct task){.job = {.run = run, .done = done}, .number = 3};
    assert_false(worker_post(worker, &tasks[3].job, &err));
    assert_int_equal(err.class, ERR_LATER);
    assert_int_equal(err.code, ERR_FULL);
    while (done_count < 3)
        loop_turn(loop, 1000);
    post(worker, &tasks[3], 3);
    worker_free(worker);
    assert_int_equal(done_count, 4);
}

static struct worker *under_test;
static int refused;

static void post_again(struct worker_job *job)
{
    struct err err;
    done_count++;
    if (!worker_post(under_test, job, &err))
        refused += err.code == ERR_CLOSED;
}

static void count_up(void *ctx)
{
    (*(int *)ctx)++;
}

static void freeing_finishes_everything(void **state)
{
    (void)state;
    struct err err;
    static struct task tasks[5000];
    int marks = 0;
    struct worker_options options = {
        .name = "a name that is too long", .start = count_up, .end = count_up, .ctx = &marks};
    struct worker *worker = worker_new(loop, &options, &err);
    for (int i = 0; i < 5000; i++)
        post(worker, &tasks[i], i);
    worker_free(worker); /* nothing was handed over yet */
    assert_int_equal(done_count, 5000);
    assert_int_equal(done_order_faults, 0);
    assert_int_equal(marks, 2);

    struct task again = {.job = {.run = run, .done = post_again}};
    under_test = worker_new(loop, &(struct worker_options){.name = "test"}, &err);
    assert_true(worker_post(under_test, &again.job, &err));
    while (done_count < 5003)
        loop_turn(loop, 1000);
    worker_free(under_test);
    assert_int_equal(refused, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(runs_elsewhere_and_is_done_here),
        T(a_turn_is_a_batch),
        T(full_is_an_answer),
        T(freeing_finishes_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
