// Why: "why did it do that?" answered on one sheet: the signal, each gate with its inputs, the
// sizing arithmetic, the orders with their fills, and what was written down when.
import {ask, clock, layer, millis, moment, number, plain, short, words} from './data.js';
import {$, h} from './dom.js';
import {openChange} from './control.js';

// A value of the trace as it came; what a division left, rounded for reading.
function shown(value) {
    if (value === null || value === undefined || value === '') return '–';
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (!/^-?\d+\.\d{9,}$/.test(value)) return String(value);
    return String(Number(Number(value).toFixed(Math.abs(value) < 0.1 ? 8 : 4)));
}

const isNest = value => value !== null && typeof value === 'object';

// An object as a list of terms; what is nested stands indented below its name.
function pairs(object, skip = []) {
    const out = h('dl.pairs');
    for (const [key, value] of Object.entries(object || {})) {
        if (skip.includes(key) || (isNest(value) && !Object.keys(value).length)) continue;
        if (isNest(value)) out.append(h('dt.nest', {}, words(key)), h('dd.nest', {}, pairs(value)));
        else out.append(h('dt', {}, words(key)), h('dd', {title: String(value)}, shown(value)));
    }
    return out;
}

const part = (title, ...content) => h('section', {}, h('h3', {}, title), ...content);

function pill(kind, label) {
    return h('span.pill', {'data-kind': kind}, label);
}

export const verdictKind = verdict =>
    ({accept: 'good', pass: 'good', reject: 'bad', failed: 'bad', defer: 'warn'})[verdict] ||
    'soft';

export function stateKind(state) {
    if (['done', 'filled'].includes(state)) return 'good';
    if (['rejected', 'dead', 'failed'].includes(state)) return 'bad';
    if (['unknown', 'retrying', 'expired'].includes(state)) return 'warn';
    return [
        'sending',
        'sent',
        'acknowledged',
        'partially_filled',
        'working',
        'received',
        'intended',
    ].includes(state)
        ? 'busy'
        : 'soft';
}

// An object without what is empty.
function filled(object) {
    const some = Object.entries(object).filter(([, value]) => value !== null && value !== '');
    return Object.fromEntries(some);
}

function signalPart(signal) {
    return part(
        'Signal',
        pairs(
            filled({
                sender: signal.source,
                strategy: signal.strategy,
                state: words(signal.state),
                price: signal.price,
                stop: signal.stop,
                atr: signal.atr,
                quantity: signal.quantity,
                sent: moment(millis(signal, 'at')),
                received: moment(millis(signal, 'received')),
                attempts: signal.attempts > 1 ? signal.attempts : '',
                reason: signal.reason,
                ...JSON.parse(signal.extra || '{}'),
            }),
        ),
        h('p.mono.soft', {}, `id ${signal.id}`),
        h('p.mono.soft.cut', {title: signal.fingerprint}, `fingerprint ${signal.fingerprint}`),
    );
}

function verdictPart(decision, signal) {
    if (!decision) {
        return part(
            'Decision',
            h(
                'p',
                {},
                pill(stateKind(signal.state), words(signal.state)),
                ' ',
                signal.reason || 'No decision was taken for this signal.',
            ),
        );
    }
    const accepted = decision.verdict === 'accept';
    return part(
        'Decision',
        h(
            'p.verdict',
            {},
            pill(
                verdictKind(decision.verdict),
                accepted
                    ? `accepted, ${decision.quantity || 'the whole layer'}${
                          decision.quantity ? ' lots' : ''
                      }`
                    : words(decision.verdict),
            ),
            decision.gate ? h('b', {}, ` ${words(decision.gate)}`) : null,
            decision.reason ? ` ${decision.reason}` : null,
        ),
        h(
            'p.soft',
            {},
            `policy ${decision.strategy} ${decision.policy_version || ''} · ${short(
                decision.policy_hash,
            )} · took ${decision.took_us ?? 0} µs · ${clock(millis(decision, 'at'))}`,
        ),
    );
}

function gatesPart(gates) {
    if (!gates?.length) return null;
    return part(
        'Gates, in order',
        h(
            'ol.gates',
            {},
            ...gates.map(gate =>
                h(
                    'li',
                    {'data-kind': verdictKind(gate.verdict)},
                    h(
                        'p',
                        {},
                        pill(verdictKind(gate.verdict), gate.verdict),
                        h('b', {}, ` ${words(gate.name)}`),
                        gate.reason ? h('span', {}, ` ${gate.reason}`) : null,
                    ),
                    gate.inputs ? pairs(gate.inputs) : null,
                ),
            ),
        ),
    );
}

// The candidates of sizing side by side: the smallest of them wins, and is named.
function limitsChart(limits, winner) {
    const numeric = Object.entries(limits || {}).filter(([, v]) => Number.isFinite(number(v)));
    if (numeric.length < 2) return null;
    const most = Math.max(...numeric.map(([, v]) => number(v)), 1e-9);
    return h(
        'ul.bars',
        {},
        ...numeric.map(([name, value]) => {
            const bar = h('span.bar', {'aria-hidden': 'true'});
            bar.style.setProperty('--part', Math.max(0.01, number(value) / most));
            return h(
                'li',
                {'data-won': name === winner},
                h('span', {}, words(name)),
                bar,
                h('b', {}, shown(value)),
            );
        }),
    );
}

function sizePart(size) {
    if (!isNest(size)) return null;
    const nest = Object.entries(size).find(([, v]) => isNest(v) && size.limited_by in v);
    return part(
        'Size',
        h(
            'p',
            {},
            h('b', {}, `${shown(size.quantity)} lots`),
            size.limited_by ? ` · limited by ${words(size.limited_by)}` : '',
        ),
        nest ? limitsChart(nest[1], size.limited_by) : null,
        pairs(size, ['quantity', 'limited_by', ...(nest ? [nest[0]] : [])]),
    );
}

// What the host itself said after the policy: a rail, a halt, or nothing.
function hostPart(host, gates) {
    const theirs = host?.gate === 'size' || gates?.some(gate => gate.name === host?.gate);
    return host?.gate && !theirs ? part('The host', pairs(host, ['orders'])) : null;
}

function orderPart(order, fills, refresh) {
    const mine = fills.filter(fill => fill.order_id === order.id);
    const resolve =
        order.state === 'unknown' &&
        h(
            'button',
            {
                type: 'button',
                onclick: () =>
                    openChange({
                        title: `Resolve order ${order.id}`,
                        text:
                            'Nobody knows what became of this order. Look it up at the broker ' +
                            'first; what you say here ends it.',
                        choices: ['rejected', 'cancelled', 'expired'].map(value => ({
                            value,
                            label: value,
                        })),
                        why: true,
                        button: 'Resolve',
                        danger: true,
                        path: `api/orders/${order.id}/resolve`,
                        body: pick => ({as: pick}),
                        done: refresh,
                    }),
            },
            'Resolve …',
        );
    return h(
        'li',
        {},
        h(
            'p',
            {},
            pill(stateKind(order.state), words(order.state)),
            h('b', {}, ` ${order.side} ${order.quantity} ${order.kind}`),
            ` ${layer(order.leg)}`,
            order.average_price ? ` · ${order.filled} at ${shown(order.average_price)}` : '',
            ' ',
            resolve,
        ),
        order.reason ? h('p', {}, order.reason) : null,
        h(
            'p.mono.soft',
            {},
            `${order.id} · ${order.broker} ${order.broker_id || ''} · attempt ${
                order.attempt
            } · term ${order.term}`,
        ),
        mine.length
            ? h(
                  'ul.fills',
                  {},
                  ...mine.map(fill =>
                      h(
                          'li',
                          {},
                          `filled ${fill.quantity} at ${fill.price}, fee ${fill.fee}, ` +
                              clock(millis(fill, 'at')),
                      ),
                  ),
              )
            : null,
    );
}

function eventsPart(events) {
    if (!events?.length) return null;
    const sorted = [...events].sort((a, b) => a.seq - b.seq);
    const start = Date.parse(sorted[0].at);
    return part(
        'Written down',
        h(
            'ol.trail',
            {},
            ...sorted.map(event =>
                h(
                    'li',
                    {},
                    h('span.mono.soft', {}, `${event.seq}`),
                    h('span', {}, words(event.kind.replace('.', ' '))),
                    h('span.mono.soft', {}, `+${plain(Date.parse(event.at) - start, 0)} ms`),
                ),
            ),
        ),
    );
}

function deadPart(signal, refresh) {
    if (signal.state !== 'dead') return null;
    const act = (verb, why) =>
        openChange({
            title: `${verb === 'retry' ? 'Retry' : 'Drop'} this signal`,
            text:
                verb === 'retry'
                    ? 'It is decided anew, under the facts of now.'
                    : 'It is closed for good; the reason stands in the event log.',
            why,
            button: verb === 'retry' ? 'Retry' : 'Drop',
            danger: !!why,
            path: `api/signals/${signal.id}/${verb}`,
            body: () => ({}),
            done: refresh,
        });
    return h(
        'p.buttons',
        {},
        h('button', {type: 'button', onclick: () => act('retry', false)}, 'Retry …'),
        h('button', {type: 'button', onclick: () => act('drop', true)}, 'Drop …'),
    );
}

function fill(explanation, refresh) {
    const {signal, decision, orders = [], fills = [], events = []} = explanation;
    // The trace is the cause of the event that decided.
    const trace = events.map(event => event.body?.cause?.trace).find(Boolean);
    const others = Object.entries(trace || {}).filter(
        ([key, value]) => !['facts', 'gates', 'size', 'host'].includes(key) && isNest(value),
    );
    $('explain-title').textContent = `${signal.instrument} · ${words(signal.type)} · ${layer(
        signal.position,
    )}`;
    const facts =
        trace?.facts &&
        h('details', {}, h('summary', {}, 'Facts the policy was given'), pairs(trace.facts));
    $('explain-body').replaceChildren(
        ...[
            verdictPart(decision, signal),
            deadPart(signal, refresh),
            gatesPart(trace?.gates),
            sizePart(trace?.size),
            hostPart(trace?.host, trace?.gates),
            ...others.map(([key, value]) => part(words(key), pairs(value))),
            orders.length
                ? part(
                      'Orders',
                      h('ul.orders', {}, ...orders.map(order => orderPart(order, fills, refresh))),
                  )
                : null,
            signalPart(signal),
            eventsPart(events),
            facts,
        ].filter(Boolean),
    );
}

async function load(id) {
    try {
        fill(await ask(`api/explain/${encodeURIComponent(id)}`), () => load(id));
    } catch (error) {
        $('explain-title').textContent = 'No explanation';
        $('explain-body').replaceChildren(h('p', {}, error.message));
    }
}

// The address names what is shown (#explain/<id>), so that it can be sent to somebody.
export function openExplain(id) {
    const wanted = `#explain/${id}`;
    if (location.hash !== wanted) history.replaceState(null, '', wanted);
    const sheet = $('explain');
    if (!sheet.open) {
        $('explain-title').textContent = '…';
        $('explain-body').replaceChildren();
        sheet.showModal();
    }
    load(id);
}

export function startExplain() {
    const sheet = $('explain');
    sheet.addEventListener('close', () =>
        history.replaceState(null, '', location.pathname + location.search),
    );
    const follow = () => {
        const match = /^#explain\/([\w|]{4,})$/.exec(location.hash);
        if (match) openExplain(match[1]);
    };
    window.addEventListener('hashchange', follow);
    follow();
}
