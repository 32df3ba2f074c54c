// Why: the panels that tell who trades and whether our book is the broker's: instances, leases,
// changes of leaders, reconciliation, rollovers, and how fresh the prices are.
import {layer, millis, moment, number, plain, words} from './data.js';
import {h, $, list, mark, show, text} from './dom.js';

const MODES = {single: 'alone', active_active: 'all trade', active_passive: 'the leader trades'};

function rows(parent, all, key, fill) {
    list(
        $(parent),
        all,
        key,
        () => h('li.plainrow', {}, h('span.when'), h('span.what'), h('span.soft.n')),
        (node, row) => {
            const [when, what, more] = fill(row);
            text(node.children[0], when);
            text(node.children[1], what);
            text(node.children[2], more);
        },
    );
    show($(parent), all.length > 0);
    show($(parent).previousElementSibling, all.length > 0);
}

// ---- instances ----

function keysOf(leases, one) {
    return leases.filter(lease => String(lease.term) === String(one.term)).map(lease => lease.id);
}

function instanceTone(one, leads) {
    if (one.state === 'dead') return 'bad';
    return leads ? 'good' : 'soft';
}

export function showInstances(status, instances, leases, failovers) {
    const alive = instances.filter(one => one.state === 'alive'),
        gone = instances.filter(one => one.state !== 'alive').slice(0, 3);
    text(
        $('instances-reading'),
        `${alive.length} alive · ${MODES[status.mode] || words(status.mode || '')}`,
    );
    list(
        $('instance-list'),
        [...alive, ...gone],
        one => one.id,
        () => h('li', {}, h('span.dot'), h('b'), h('span.what'), h('span.soft.n')),
        (node, one) => {
            const keys = keysOf(leases, one),
                leads =
                    one.state === 'alive' &&
                    (keys.includes('leader') || (status.mode === 'single' && status.leader)),
                traded = keys.filter(key => key.startsWith('instrument:')).length;
            mark(node, 'data-kind', instanceTone(one, leads));
            text(node.children[1], one.name);
            text(
                node.children[2],
                one.state === 'alive'
                    ? [
                          leads ? 'leader' : 'follows',
                          traded ? `${traded} instruments` : '',
                          one.name === status.instance ? 'this page' : one.address,
                      ]
                          .filter(Boolean)
                          .join(' · ')
                    : `${words(one.state)} ${moment(millis(one, 'ended_at'))}${
                          one.reason ? `: ${one.reason}` : ''
                      }`,
            );
            text(node.children[3], `term ${one.term}`);
        },
    );
    rows(
        'failover-list',
        failovers,
        one => one.id,
        one => [
            moment(millis(one, 'trading_at')),
            `${one.lost || 'nobody'} → ${one.found}${one.reason ? `: ${one.reason}` : ''}`,
            `${plain(number(one.took_us) / 1e6, 2)} s${one.target_met ? '' : ', target missed'}`,
        ],
    );
}

// ---- the broker's book ----

function bookReading(books) {
    if (books.running) return ['being compared', 'warn'];
    if (!books.broker_known) return ["the broker's book is not known", 'down'];
    return books.open ? [`${books.open} differences`, 'warn'] : ['equal', 'up'];
}

export function showBooks(books, rollovers) {
    const [reading, tone] = bookReading(books),
        last = books.last,
        blocked = books.instruments_blocked;
    text($('books-reading'), reading);
    mark($('books-reading'), 'data-tone', tone);
    text(
        $('books-last'),
        last
            ? `Last compared ${moment(Date.parse(last.at))} (${words(last.trigger || '')}): ${
                  last.open_orders_found
              } open orders there, ${last.positions_synced} positions synced, drift ${
                  last.balance_drift === null ? '–' : plain(number(last.balance_drift), 2)
              }${blocked ? ` · entries of ${blocked} instruments wait` : ''}`
            : 'Not yet compared since the start.',
    );
    rows(
        'difference-list',
        last?.discrepancies || [],
        (one, i) => `${one.kind}${one.instrument}${one.order_id || ''}${i}`,
        one => [
            one.instrument || '',
            `${words(one.kind)}: ours ${one.ours ?? '–'}, theirs ${one.theirs ?? '–'}`,
            `${words(one.decision?.action || '')}${one.decision?.applied ? ', done' : ''}`,
        ],
    );
    rows(
        'rollover-list',
        rollovers,
        one => one.id,
        one => [
            one.expiry,
            `${one.instrument.replace(/_/g, ' ')} ${layer(one.label)} · ${one.quantity} lots`,
            one.rollover === 'none' ? 'not due' : words(one.rollover),
        ],
    );
}
