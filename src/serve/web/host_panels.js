// Why: the panels that tell about the host itself: policies, health, rails, the event log.
import {clock, millis, moment, number, plain, share, short, words} from './data.js';
import {h, $, list, mark, show, text} from './dom.js';
import {openExplain} from './explain.js';
import {changePolicy} from './control.js';

// ---- policies ----

function policyNode(policy, refresh) {
    return h(
        'article.policy',
        {},
        h(
            'header',
            {},
            h('h3', {}, policy.name),
            h('span.version'),
            h(
                'span.buttons',
                {},
                h(
                    'button.quiet',
                    {type: 'button', onclick: () => changePolicy(policy.name, 'push', refresh)},
                    'Load again …',
                ),
                h(
                    'button.quiet',
                    {type: 'button', onclick: () => changePolicy(policy.name, 'rollback', refresh)},
                    'Roll back …',
                ),
            ),
        ),
        h('p.soft'),
        h('p.counts'),
        h('ul.gatebars'),
        h('p.error'),
        h(
            'details',
            {},
            h('summary', {}, 'Parameters, limits and versions'),
            h('dl.pairs'),
            h('ol.rows.slim'),
        ),
    );
}

function updateGates(node, gates) {
    const most = Math.max(1, ...gates.map(g => g.passed + g.rejected + g.deferred + g.failed));
    list(
        node,
        gates,
        gate => gate.name,
        () =>
            h(
                'li',
                {},
                h('span.name'),
                h('span.bar', {'aria-hidden': 'true'}, h('i'), h('i')),
                h('span.n'),
            ),
        (item, gate) => {
            const [name, bar, count] = item.children,
                refused = gate.rejected + gate.deferred + gate.failed;
            text(name, words(gate.name));
            bar.style.setProperty('--passed', gate.passed / most);
            bar.style.setProperty('--refused', refused / most);
            text(count, refused ? `${refused} refused` : '');
        },
    );
}

function policyTerms(policy) {
    const {usage} = policy,
        meter = m => `${plain(m.maximum, 0)} of ${plain(m.limit, 0)}`;
    return [
        ...policy.parameters.map(one => [
            words(one.name),
            `${one.value}${one.doc ? ` – ${one.doc}` : ''}`,
        ]),
        ['instruments', Array.isArray(policy.instruments) ? policy.instruments.join(', ') : 'any'],
        ['memory at most', `${meter(usage.memory_bytes)} bytes`],
        ['instructions at most', meter(usage.instructions)],
        ['slowest decision', `${policy.took_us.maximum} µs`],
    ];
}

function updatePolicy(node, policy, versions) {
    const [head, about, counts, gates, error, more] = node.children;
    text(head.children[1], `${policy.version} · ${short(policy.hash)}`);
    mark(head.children[1], 'title', `${policy.hash} by ${policy.author}`);
    head.lastElementChild.lastElementChild.disabled = !policy.previous;
    text(about, policy.description);
    text(
        counts,
        `${plain(policy.decisions, 0)} decisions, ${plain(policy.accepted, 0)} accepted, ${plain(
            policy.rejected,
            0,
        )} rejected${policy.deferred ? `, ${policy.deferred} deferred` : ''}${
            policy.failures ? `, ${policy.failures} failed` : ''
        }${policy.signals ? ` · ${plain(policy.signals, 0)} own signals` : ''}`,
    );
    updateGates(gates, policy.gates || []);
    text(error, policy.last_error);
    show(error, !!policy.last_error);
    list(
        more.children[1],
        policyTerms(policy).flatMap(([name, value]) => [
            {key: `t${name}`, tag: 'dt', value: name},
            {key: `d${name}`, tag: 'dd', value},
        ]),
        row => row.key,
        row => h(row.tag),
        (item, row) => text(item, row.value),
    );
    list(
        more.children[2],
        versions.slice(0, 8),
        one => one.id,
        () => h('li.plainrow', {}, h('span.when'), h('span.what'), h('span.soft')),
        (item, one) => {
            text(item.children[0], moment(millis(one, 'at')));
            text(item.children[1], `${one.version} · ${short(one.hash)}`);
            text(
                item.children[2],
                ` ${words(one.status)} · ${one.author}${one.reason ? ` · ${one.reason}` : ''}`,
            );
        },
    );
}

export function showPolicies(policies, versions, refresh) {
    list(
        $('policy-list'),
        policies,
        policy => policy.name,
        policy => policyNode(policy, refresh),
        (node, policy) =>
            updatePolicy(
                node,
                policy,
                versions.filter(one => one.strategy === policy.name),
            ),
    );
}

// ---- health, rails, events ----

const CHECKS = {
    exchange_connection: 'broker',
    database_connection: 'database',
    redis_connection: 'Redis',
    data_freshness: 'market data',
    order_execution: 'orders',
    websocket_alive: 'stream',
    reconciliation: 'books',
};

export function showHealth(health) {
    text($('health-reading'), health.status);
    mark(
        $('health-reading'),
        'data-tone',
        {healthy: 'up', degraded: 'warn'}[health.status] || 'down',
    );
    list(
        $('check-list'),
        Object.entries(health.checks),
        ([name]) => name,
        () => h('li', {}, h('span.dot'), h('b'), h('span.what'), h('span.soft.n')),
        (node, [name, check]) => {
            const [, label, what, took] = node.children;
            mark(
                node,
                'data-kind',
                {pass: 'good', warn: 'warn', fail: 'bad'}[check.status] || 'soft',
            );
            text(label, CHECKS[name] || words(name));
            text(what, check.message);
            text(took, check.status === 'unused' ? '' : `${plain(check.latency_ms, 1)} ms`);
        },
    );
}

export function showRails(rails, portfolio) {
    const used = {max_daily_loss: portfolio.day_loss, max_open_risk: portfolio.open_risk};
    list(
        $('rail-list'),
        Object.entries(rails),
        ([name]) => name,
        () => h('li', {}, h('span.name'), h('span.meter', {'aria-hidden': 'true'}), h('span.n')),
        (node, [name, limit]) => {
            const [label, meter, figure] = node.children,
                part = share(used[name], limit);
            text(label, words(name.replace(/^max_/, '')));
            text(
                figure,
                limit === 'waived'
                    ? 'waived'
                    : name === 'price_collar_percent'
                      ? `${limit} %`
                      : plain(number(limit), 0),
            );
            mark(meter, 'data-empty', part === null || null);
            mark(meter, 'data-high', part > 0.8 || null);
            meter.style.setProperty('--part', Math.min(1, part || 0));
        },
    );
}

export function showEvents(events) {
    text(
        $('events-reading'),
        events.length
            ? `up to ${plain(events[0].seq, 0)}, each chained to the one ` + 'before'
            : '',
    );
    list(
        $('event-list'),
        events.slice(0, 40),
        event => event.seq,
        event =>
            h(
                'li',
                {},
                h(
                    'button.row',
                    {
                        type: 'button',
                        onclick: () => {
                            if (/^(signal|order)\./.test(event.kind)) openExplain(event.subject);
                        },
                    },
                    h('span.when', {}, clock(Date.parse(event.at))),
                    h(
                        'span.what',
                        {},
                        h('b', {}, words(event.kind.replace('.', ' '))),
                        h('span.soft.mono', {}, ` ${event.subject}`),
                    ),
                    h('span.soft.n', {}, String(event.seq)),
                ),
            ),
        () => {},
    );
}
