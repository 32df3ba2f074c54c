// Why: asks the host about once a second, and only for what can have changed: tables are fetched
// when the event log has grown.
import {
    ask,
    digitsOf,
    layer,
    millis,
    moment,
    money,
    number,
    plain,
    setCurrency,
    time,
} from './data.js';
import {$, choice, show, text} from './dom.js';
import {drawEquity, drawMarket, follow} from './charts.js';
import {startControl} from './control.js';
import {openExplain, startExplain} from './explain.js';
import * as books from './book_panels.js';
import * as host from './host_panels.js';
import * as panels from './panels.js';

const TURN_MS = 1000,
    HIDDEN_MS = 10000,
    HEALTH_TURNS = 5;
const LEDGER_MAX = 5000,
    LIVE_MAX = 4000;
const SPANS = [
    ['15 min', 900e3],
    ['1 h', 3600e3],
    ['1 d', 86400e3],
    ['all', 1e15],
];

const app = {
    status: null,
    signals: [],
    decisions: [],
    positions: [],
    orders: [],
    fills: [],
    versions: [],
    events: [],
    ledger: new Map(),
    closed: [],
    live: [],
    bars: {},
    config: null,
    intervals: new Map(),
    rails: {},
    seen: -1,
    turns: 0,
    instrument: null,
    spanMs: 3600e3,
    filter: 'all',
    market: {last: new Map(), pointValue: new Map(), digits: new Map()},
    lastGood: 0,
    timer: 0,
};

// ---- what is read once ----

async function readConfig() {
    const config = await ask('api/config');
    app.config = config;
    app.rails = config.rails || {};
    setCurrency(config.account?.currency);
    for (const one of config.instruments || []) {
        app.market.pointValue.set(one.name, number(one.point_value));
        app.market.digits.set(one.name, digitsOf(one.tick));
    }
    for (const feed of config.feeds || []) {
        const pace = number(feed.per_second); // bars a second; 0: each takes its own interval
        app.intervals.set(feed.instrument, pace ? 1000 / pace : parseInt(feed.interval, 10) || 0);
    }
}

// ---- the ledger, and the equity it tells ----

function keepLedger(rows) {
    let grew = false;
    for (const row of rows)
        if (!app.ledger.has(row.id)) {
            app.ledger.set(row.id, row);
            grew = true;
        }
    if (!grew) return false;
    const sorted = [...app.ledger.values()]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(-LEDGER_MAX);
    app.ledger = new Map(sorted.map(row => [row.id, row]));
    app.closed = sorted.map(row => [millis(row, 'at'), number(row.equity)]);
    return true;
}

async function readLedger(first) {
    const rows = await ask(`api/ledger?limit=${first ? 1000 : 200}`);
    let page = rows,
        older = keepLedger(rows);
    while (first && older && page.length === 1000 && app.ledger.size < LEDGER_MAX) {
        const oldest = time(page[page.length - 1], 'at');
        page = await ask(`api/ledger?limit=1000&before=${encodeURIComponent(oldest)}`);
        older = keepLedger(page);
    }
}

// Equity with open positions is sampled here, turn by turn; it outlives a reload of the page.
function keepLive(status) {
    const equity = number(status.portfolio.equity),
        open = number(status.portfolio.unrealised);
    if (equity === null) return;
    const key = `tidelock.live.${status.instance}`;
    if (!app.live.length) {
        try {
            const kept = JSON.parse(sessionStorage.getItem(key) || '[]');
            const begun = Date.now() - status.uptime_s * 1000;
            app.live = kept.filter(point => point[0] >= begun);
        } catch {
            app.live = [];
        }
    }
    app.live.push([Date.now(), equity + (open ?? 0)]);
    if (app.live.length > LIVE_MAX)
        app.live = app.live.filter((point, i) => i % 2 === 0 || i > LIVE_MAX - 600);
    if (app.turns % 10 === 0) {
        try {
            sessionStorage.setItem(key, JSON.stringify(app.live));
        } catch {
            return; // a full or forbidden storage costs only the curve's past
        }
    }
}

// ---- one turn ----

async function readTables(first) {
    const [signals, decisions, open, closed, orders, fills, events, accounts] = await Promise.all([
        ask('api/signals?limit=90'),
        ask('api/decisions?limit=90'),
        ask('api/positions?status=open,closing,partial&limit=200'),
        ask('api/positions?status=closed&limit=40'),
        ask('api/orders?limit=60'),
        ask('api/fills?limit=300'),
        ask('api/events?limit=40'),
        ask('api/accounts'),
        readLedger(first),
    ]);
    app.deposits = number(accounts[0]?.deposits);
    Object.assign(app, {
        signals,
        decisions,
        orders,
        fills,
        events,
        positions: [...open, ...closed],
    });
    if (first || app.turns % 10 === 0) app.versions = await ask('api/versions?limit=100');
}

function showAll(always) {
    const {status} = app;
    panels.showIdentity(status);
    panels.showFigures(status, app.rails, app.deposits);
    panels.showDecisions(app.signals, app.decisions, app.filter, always);
    panels.showPositions(app.positions, app.market);
    panels.showOrders(app.orders, app.market);
    host.showPolicies(status.policies, app.versions, refresh);
    host.showRails(app.rails, status.portfolio);
    host.showEvents(app.events);
    showChoices();
    showCharts();
}

// What changes without an event of ours, or seldom.
async function readHost() {
    const [health, instances, leases, failovers, reconciliation, rollovers] = await Promise.all([
        ask('health'),
        ask('api/instances?limit=20'),
        ask('api/leases?limit=1000'),
        ask('api/failovers?limit=5'),
        ask('api/reconciliation'),
        ask('api/rollovers?limit=20'),
    ]);
    host.showHealth(health);
    books.showInstances(app.status, instances, leases, failovers);
    books.showBooks(reconciliation, rollovers);
}

async function turn() {
    const status = await ask('api/status');
    app.status = status;
    if (!app.config) await readConfig();
    if (!Number.isFinite(app.seen) || status.store.events !== app.seen) {
        await readTables(app.seen < 0);
        app.seen = status.store.events;
    }
    app.bars = await ask('api/bars');
    for (const [name, bars] of Object.entries(app.bars))
        if (bars.length) app.market.last.set(name, bars[bars.length - 1][4]);
    if (app.turns % HEALTH_TURNS === 0) await readHost();
    keepLive(status);
    app.turns++;
    app.lastGood = Date.now();
    showAll(false);
}

async function run() {
    clearTimeout(app.timer);
    try {
        await turn();
        show($('trouble'), false);
    } catch (error) {
        const since = app.lastGood
            ? ` since ${moment(app.lastGood)}; what you see is from then`
            : '';
        text($('trouble'), `The host has not answered${since}. (${error.message})`);
        show($('trouble'), true);
    }
    document.body.classList.toggle('stale', !$('trouble').hidden);
    app.timer = setTimeout(run, document.hidden ? HIDDEN_MS : TURN_MS);
}

function refresh() {
    app.seen = -2;
    run();
}

// ---- charts ----

function marketOf(name) {
    const fills = app.fills
        .filter(one => one.instrument === name)
        .map(one => ({
            ms: millis(one, 'at'),
            buy: one.side === 'BUY',
            row: one,
        }));
    return {
        bars: app.bars[name] || [],
        interval: app.intervals.get(name) || 0,
        fills,
        positions: app.positions.filter(one => one.instrument === name && one.status !== 'closed'),
        digits: app.market.digits.get(name) ?? 2,
    };
}

function showMarketReading(under, bars, digits) {
    const bar = under?.bar || bars[bars.length - 1];
    if (!bar) return;
    const p = value => plain(value, digits);
    const traded = (under?.fills || [])
        .map(
            one =>
                `${one.buy ? 'bought' : 'sold'} ${one.row.quantity} at ${p(number(one.row.price))}`,
        )
        .join(', ');
    text(
        $('market-reading'),
        under
            ? `${moment(under.at)}  O ${p(bar[1])}  H ${p(bar[2])}  L ${p(
                  bar[3],
              )}  C ${p(bar[4])}${traded ? `  · ${traded}` : ''}`
            : p(bar[4]),
    );
}

function showCharts() {
    const under = drawEquity($('equity'), app.closed, app.live, app.spanMs);
    text(
        $('equity-reading'),
        under
            ? `${moment(under.at)}  ${money(under.live ?? under.closed)}${
                  under.live === null ? '' : ` · closed ${money(under.closed)}`
              }`
            : '',
    );
    const market = marketOf(app.instrument);
    app.under = drawMarket($('market'), market);
    showMarketReading(app.under, market.bars, market.digits);
    const last = app.closed[app.closed.length - 1];
    $('equity').setAttribute(
        'aria-label',
        `Equity over time, now ${last ? money(last[1]) : 'unknown'}`,
    );
    $('market').setAttribute(
        'aria-label',
        `Prices of ${app.instrument || 'nothing'}, ${
            market.positions
                .map(one => `${layer(one.label)} at ${number(one.entry_price)}, stop ${one.stop}`)
                .join('; ') || 'no open position'
        }`,
    );
}

function showChoices() {
    const names = Object.keys(app.bars);
    if (!names.includes(app.instrument)) app.instrument = names[0] || null;
    choice(
        $('market-choice'),
        names.map(value => ({value, label: value.replace(/_/g, ' ')})),
        app.instrument,
        value => {
            app.instrument = value;
            showAll(true);
        },
    );
    choice(
        $('equity-span'),
        SPANS.map(([label, value]) => ({label, value})),
        app.spanMs,
        value => {
            app.spanMs = value;
            showAll(true);
        },
    );
    choice($('decisions-choice'), panels.decisionFilters, app.filter, value => {
        app.filter = value;
        showAll(true);
    });
}

// ---- light and dark ----

function startTheme() {
    const root = document.documentElement,
        asked = new URLSearchParams(location.search).get('theme');
    let kept = null;
    try {
        kept = localStorage.getItem('tidelock.theme');
    } catch {
        kept = null;
    }
    if (asked || kept) root.dataset.theme = asked || kept;
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => app.status && showCharts());
    $('theme').addEventListener('click', () => {
        const now = root.dataset.theme || (dark.matches ? 'dark' : 'light');
        root.dataset.theme = now === 'dark' ? 'light' : 'dark';
        try {
            localStorage.setItem('tidelock.theme', root.dataset.theme);
        } catch {
            kept = null;
        }
        if (app.status) showCharts();
    });
}

// ---- begin ----

startTheme();
startControl(refresh);
startExplain();
follow($('equity'), () => app.status && showCharts());
follow(
    $('market'),
    () => app.status && showCharts(),
    () => {
        const hit = app.under?.fills[app.under.fills.length - 1];
        if (hit) openExplain(hit.row.order_id);
    },
);
new ResizeObserver(() => app.status && showCharts()).observe($('market'));
document.addEventListener('visibilitychange', () => !document.hidden && run());
run();
