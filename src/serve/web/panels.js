// Why: the panels that tell about trading, each a function from what the host said to nodes.
import {
    duration,
    layer,
    millis,
    moment,
    money,
    number,
    percent,
    plain,
    share,
    words,
} from './data.js';
import {$, h, list, mark, show, text} from './dom.js';
import {openExplain, stateKind, verdictKind} from './explain.js';

const sign = value => (value > 0 ? 'up' : value < 0 ? 'down' : '');
const isOpen = position => position.status !== 'closed';

// ---- who this is, and whether it trades ----

export function showIdentity(status) {
    text(
        $('identity'),
        `${status.instance} · term ${status.term}${status.leader ? ' · leader' : ''} · ` +
            `up ${duration(status.uptime_s)}`,
    );
    text(
        $('footing'),
        `Tidelock ${status.version} · ${words(status.mode)} · ${status.store.kind}, ${plain(
            status.store.events,
            0,
        )} events, last commit ${plain(status.store.commit_ms, 1)} ms · ${
            status.broker.kind
        } broker · ${status.broker.text}`,
    );
    const {level, who, why} = status.halt,
        halted = level !== 'none';
    const state = $('trading');
    text(
        state.lastElementChild,
        halted
            ? `Halted: ${words(level)}${why ? ` – ${why}` : ''}${who ? ` (${who})` : ''}`
            : status.draining
              ? 'Shutting down'
              : status.ready
                ? 'Trading'
                : 'Getting ready',
    );
    mark(state, 'data-kind', halted ? 'bad' : status.ready ? 'good' : 'warn');
    show($('resume'), halted);
    text($('halt'), halted ? 'Change halt …' : 'Halt …');
    document.title = `${halted ? '■ ' : ''}Tidelock · ${status.instance}`;
}

// ---- key figures ----

export function showFigures(status, rails, openedAt) {
    const p = status.portfolio,
        equity = number(p.equity),
        unrealised = number(p.unrealised) ?? 0;
    const total = equity + unrealised,
        queue = status.queue;
    const busy = queue.waiting + queue.working + queue.retrying;
    const gain = openedAt ? total - openedAt : null;
    const rows = [
        {
            name: 'Equity',
            value: money(total),
            note: gain === null ? '' : `${money(gain, {signed: true})} since deposit`,
            kind: sign(gain),
        },
        {
            name: 'Unrealised',
            value: money(unrealised, {signed: true}),
            tone: sign(unrealised),
            note: `${p.open_positions} open ${p.open_positions === 1 ? 'layer' : 'layers'}`,
        },
        {
            name: 'Open risk',
            value: percent(number(p.open_risk_percent)),
            note: `${money(number(p.open_risk), {compact: true})} to the stops`,
            part: share(p.open_risk, rails.max_open_risk),
        },
        {
            name: 'Margin in use',
            value: percent((number(p.margin_used) / total) * 100, 1),
            note: `${money(number(p.margin_free), {compact: true})} free`,
            part: number(p.margin_used) / total,
        },
        {
            name: 'Drawdown',
            value: percent(number(p.drawdown_percent)),
            note: `day's loss ${money(number(p.day_loss), {compact: true})}`,
            part: share(p.day_loss, rails.max_daily_loss),
        },
        {
            name: 'Queue',
            value: plain(busy, 0),
            note: queue.dead
                ? `${queue.dead} dead, look at them`
                : queue.retrying
                  ? `${queue.retrying} retrying`
                  : `${queue.working} at work`,
            kind: queue.dead ? 'down' : '',
        },
    ];
    list(
        $('figures'),
        rows,
        row => row.name,
        row =>
            h(
                'div.figure',
                {},
                h('h2', {}, row.name),
                h('p.value'),
                h('p.note'),
                h('span.meter', {'aria-hidden': 'true'}),
            ),
        (node, row) => {
            const [, value, note, meter] = node.children;
            text(value, row.value);
            mark(value, 'data-tone', row.tone || null);
            text(note, row.note);
            mark(note, 'data-tone', row.kind || null);
            show(meter, row.part !== undefined && row.part !== null);
            meter.style.setProperty('--part', Math.min(1, Math.max(0, row.part || 0)));
            mark(meter, 'data-high', row.part > 0.8 || null);
        },
    );
}

// ---- decisions ----

const FILTERS = {
    all: () => true,
    accepted: row => row.decision?.verdict === 'accept',
    refused: row =>
        (row.decision && row.decision.verdict !== 'accept') ||
        ['rejected', 'expired', 'ignored', 'superseded', 'dead'].includes(row.signal.state),
};
export const decisionFilters = ['all', 'accepted', 'refused'].map(value => ({value, label: value}));

function verdictOf({signal, decision}) {
    if (!decision || ['expired', 'superseded', 'ignored', 'dead', 'dropped'].includes(signal.state))
        return [stateKind(signal.state), words(signal.state)];
    if (decision.verdict !== 'accept')
        return [
            verdictKind(decision.verdict),
            {reject: 'rejected', defer: 'deferred'}[decision.verdict] || words(decision.verdict),
        ];
    return [signal.type === 'EXIT' ? 'busy' : 'good', signal.type === 'EXIT' ? 'exit' : 'accepted'];
}

// What a strategy said about a signal of its own.
function noteOf(signal) {
    try {
        return JSON.parse(signal.extra || '{}').note || '';
    } catch {
        return '';
    }
}

function reasonOf({signal, decision}) {
    if (decision?.reason)
        return decision.reason + (decision.gate ? ` · ${words(decision.gate)}` : '');
    if (signal.reason) return signal.reason;
    if (decision?.verdict === 'accept')
        return signal.type === 'EXIT'
            ? noteOf(signal) || 'risk is taken off'
            : `${decision.quantity} ${decision.quantity === '1' ? 'lot' : 'lots'}`;
    return '';
}

function decisionNode(row) {
    const id = row.signal.id;
    return h(
        'li',
        {},
        h(
            'button.row',
            {type: 'button', onclick: () => openExplain(id)},
            h('span.when'),
            h('span.what', {}, h('b'), h('span.soft')),
            h('span.pill'),
            h('span.why'),
        ),
    );
}

function updateDecision(node, row) {
    const [when, what, pill, why] = node.firstElementChild.children,
        {signal} = row;
    const [kind, label] = verdictOf(row);
    text(when, moment(millis(signal, 'received')));
    text(what.firstElementChild, signal.instrument);
    text(
        what.lastElementChild,
        ` ${words(signal.type).replace(' entry', '')} ${layer(signal.position)}` +
            ` · ${signal.strategy}`,
    );
    text(pill, label);
    mark(pill, 'data-kind', kind);
    text(why, reasonOf(row));
    mark(why, 'title', reasonOf(row));
}

// While the pointer or the focus is on the list it stands still: a click hits what was seen.
export function showDecisions(signals, decisions, filter, always) {
    const parent = $('decision-list'),
        held = $('decisions-held');
    const byId = new Map(decisions.map(one => [one.signal_id, one]));
    const rows = signals
        .map(signal => ({signal, decision: byId.get(signal.id)}))
        .filter(FILTERS[filter])
        .slice(0, 60);
    const busy =
        !always &&
        parent.rowNodes?.size &&
        (parent.matches(':hover') || parent.contains(document.activeElement));
    if (busy) {
        const fresh = rows.filter(row => !parent.rowNodes.has(row.signal.id)).length;
        text(held, `${fresh} new`);
        show(held, fresh > 0);
        list(
            parent,
            rows.filter(row => parent.rowNodes.has(row.signal.id)),
            row => row.signal.id,
            decisionNode,
            updateDecision,
        );
        return;
    }
    show(held, false);
    list(parent, rows, row => row.signal.id, decisionNode, updateDecision);
    if (!rows.length)
        parent.replaceChildren(
            h('li.empty', {}, 'Nothing yet. Signals appear here as they arrive.'),
        );
    else parent.querySelector('.empty')?.remove();
}

// ---- positions ----

function groups(positions) {
    const out = new Map();
    for (const position of positions.filter(isOpen)) {
        const key = `${position.strategy}|${position.instrument}`;
        if (!out.has(key))
            out.set(key, {
                key,
                strategy: position.strategy,
                instrument: position.instrument,
                layers: [],
            });
        out.get(key).layers.push(position);
    }
    for (const group of out.values()) group.layers.sort((a, b) => a.label.localeCompare(b.label));
    return [...out.values()].sort((a, b) => a.key.localeCompare(b.key));
}

function unrealised(position, market) {
    const last = market.last.get(position.instrument);
    if (last === undefined) return null;
    const way = position.side === 'SHORT' ? -1 : 1;
    return (
        (last - number(position.entry_price)) *
        way *
        number(position.quantity) *
        (market.pointValue.get(position.instrument) || 1)
    );
}

// Where the price stands between the stop (0) and as far beyond the entry (1).
function placeTrack(node, position, last) {
    const stop = number(position.stop),
        entry = number(position.entry_price);
    show(node, stop !== null && last !== undefined && stop !== entry);
    if (stop === null || last === undefined || stop === entry) return;
    const initial = number(position.initial_stop) ?? stop;
    const risk = Math.abs(entry - initial) || Math.abs(entry - stop);
    const way = position.side === 'SHORT' ? -1 : 1;
    const r = value => ((value - entry) * way) / risk; // in R: 0 the entry, -1 the first stop
    const most = Math.max(2, r(last) * 1.05),
        least = Math.min(-1.15, r(stop), r(last));
    const at = value => `${Math.min(100, Math.max(0, ((value - least) / (most - least)) * 100))}%`;
    node.style.setProperty('--stop', at(r(stop)));
    node.style.setProperty('--entry', at(0));
    node.style.setProperty('--price', at(r(last)));
    mark(node, 'data-tone', r(last) >= 0 ? 'up' : 'down');
    mark(node, 'title', `${plain(r(last), 2)} R from the entry, stop at ${plain(r(stop), 2)} R`);
}

function layerNode(position) {
    return h(
        'li',
        {},
        h(
            'button.row',
            {type: 'button', onclick: () => openExplain(position.entry_signal_id)},
            h('b.label'),
            h('span.lots'),
            h('span.prices'),
            h('span.track', {}, h('i.stop'), h('i.entry'), h('i.price')),
            h('span.gain'),
        ),
    );
}

function updateLayer(node, position, market) {
    const [label, lots, prices, track, gain] = node.firstElementChild.children;
    const digits = market.digits.get(position.instrument) ?? 2;
    const value = unrealised(position, market);
    text(label, layer(position.label));
    text(
        lots,
        `${position.quantity} ${position.quantity === '1' ? 'lot' : 'lots'}${
            position.status === 'open' ? '' : ` · ${position.status}`
        }`,
    );
    const stop = number(position.stop);
    text(
        prices,
        plain(number(position.entry_price), digits) +
            (stop === null ? ', no stop' : ` → stop ${plain(stop, digits)}`),
    );
    placeTrack(track, position, market.last.get(position.instrument));
    text(gain, money(value, {signed: true}));
    mark(gain, 'data-tone', sign(value) || null);
}

export function showPositions(positions, market) {
    const open = groups(positions),
        parent = $('position-list');
    text($('positions-reading'), open.length ? '' : 'flat');
    list(
        parent,
        open,
        group => group.key,
        group =>
            h(
                'div.group',
                {},
                h(
                    'header',
                    {},
                    h('h3', {}, group.instrument),
                    h('span.soft', {}, group.strategy),
                    h('b.gain'),
                ),
                h('ol.layers'),
            ),
        (node, group) => {
            const [head, layers] = node.children;
            const sum = group.layers.reduce((all, one) => all + (unrealised(one, market) ?? 0), 0);
            text(head.children[1], `${group.strategy} · ${words(group.layers[0].side)}`);
            text(head.lastElementChild, money(sum, {signed: true}));
            mark(head.lastElementChild, 'data-tone', sign(sum) || null);
            list(
                layers,
                group.layers,
                one => one.id,
                layerNode,
                (item, one) => updateLayer(item, one, market),
            );
        },
    );
    const closed = positions
        .filter(one => !isOpen(one))
        .sort((a, b) => (millis(b, 'closed') || 0) - (millis(a, 'closed') || 0))
        .slice(0, 12);
    show($('closed-title'), closed.length > 0);
    list(
        $('closed-list'),
        closed,
        one => one.id,
        one =>
            h(
                'li',
                {},
                h(
                    'button.row',
                    {
                        type: 'button',
                        onclick: () => openExplain(one.exit_signal_id || one.entry_signal_id),
                    },
                    h('span.when'),
                    h('span.what'),
                    h('b.gain'),
                ),
            ),
        (node, one) => {
            const [when, what, gain] = node.firstElementChild.children;
            const value = number(one.realised);
            text(when, moment(millis(one, 'closed')));
            text(what, `${one.instrument} ${layer(one.label)} · ${one.strategy}`);
            text(gain, money(value, {signed: true}));
            mark(gain, 'data-tone', sign(value) || null);
        },
    );
}

// ---- orders ----

const FINAL = ['filled', 'cancelled', 'rejected', 'expired'];

export function showOrders(orders, market) {
    const live = orders.filter(order => !FINAL.includes(order.state));
    const unknown = live.filter(order => order.state === 'unknown').length;
    text(
        $('orders-reading'),
        unknown ? `${unknown} unknown` : live.length ? `${live.length} on their way` : '',
    );
    mark($('orders-reading'), 'data-tone', unknown ? 'down' : null);
    const rows = [...live, ...orders.filter(order => FINAL.includes(order.state))].slice(0, 40);
    list(
        $('order-list'),
        rows,
        order => order.id,
        order =>
            h(
                'tr',
                {onclick: () => openExplain(order.id)},
                h('td', {}, h('button.link', {type: 'button'})),
                h('td', {}, h('b'), h('span.soft')),
                h('td.n'),
                h('td'),
                h('td', {}, h('span.pill')),
                h('td.n'),
                h('td.n.wide'),
            ),
        (node, order) => {
            const [when, what, lots, kind, state, average, fees] = node.children;
            const digits = market.digits.get(order.instrument) ?? 2;
            text(when.firstElementChild, moment(millis(order, 'created')));
            text(what.firstElementChild, order.instrument);
            text(what.lastElementChild, ` ${layer(order.leg)}`);
            text(lots, `${order.side === 'BUY' ? '+' : '−'}${order.quantity}`);
            text(kind, words(order.kind));
            text(state.firstElementChild, words(order.state));
            mark(state.firstElementChild, 'data-kind', stateKind(order.state));
            text(average, order.average_price ? plain(number(order.average_price), digits) : '–');
            text(fees, plain(number(order.fees), 2));
        },
    );
}
