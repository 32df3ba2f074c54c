// ccxt drives the spot venue: REST, then streams and the WebSocket API with its user data.
'use strict';
const { run, judge, price, fault, errorOf, close } = require('./drive.js');

const BTC = 'BTC/USDT';
const FAULTS = [
    'accept_then_drop', 'error_1007', 'error_1006', 'html_502', 'waf_403', 'ban_418', 'rate_429',
    'error_1015', 'error_1021', 'drop_before', 'truncated', 'late',
];

async function connect(given) {
    const { default: ccxt } = await import('ccxt'); // older Nodes cannot require what it requires
    const exchange = new ccxt.pro.binance({
        apiKey: given.key,
        secret: given.secret,
        enableRateLimit: false,
        options: {
            defaultType: 'spot',
            fetchMarkets: { types: ['spot'] },
            fetchCurrencies: false,
            fetchMargins: false,
        },
    });
    exchange.has.fetchCurrencies = false;
    const api = exchange.urls.api;
    close(api);
    api.public = api.private = given.url + '/api/v3';
    api.ws.spot = given.ws_url + '/ws';
    api.ws['ws-api'].spot = given.ws_url + '/ws-api/v3';
    await exchange.loadHttpProxyAgent();
    return exchange;
}

async function orders(ex, found) {
    const limit = (side, at, id) =>
        ex.createOrder(BTC, 'limit', side, 0.01, at, { newClientOrderId: id });
    const placed = await limit('buy', 59000, 'c-1');
    found.placed = [placed.status, placed.clientOrderId, placed.amount, placed.price];
    found.duplicate = await errorOf(() => limit('buy', 59000, 'c-1'));
    found.open = (await ex.fetchOpenOrders(BTC)).map((o) => o.id);
    found.byId = (await ex.fetchOrder(placed.id, BTC)).clientOrderId;
    found.byClientId = (await ex.fetchOrder(undefined, BTC, { origClientOrderId: 'c-1' })).id;
    found.cancelled = (await ex.cancelOrder(placed.id, BTC)).status;
    found.cancelAgain = await errorOf(() => ex.cancelOrder(placed.id, BTC));
    found.noSuch = await errorOf(() => ex.fetchOrder('999', BTC));
    found.reused = (await limit('buy', 59000, 'c-1')).id !== placed.id;
    const market = await ex.createOrder(BTC, 'market', 'buy', 0.02);
    found.market = [market.status, market.filled, market.average, market.fee.currency];
    found.poor = await errorOf(() => ex.createOrder(BTC, 'market', 'buy', 20));
    found.filter = await errorOf(() => ex.createOrder(BTC, 'limit', 'buy', 0.00001, 59000));
    const stop = await ex.createOrder(BTC, 'STOP_LOSS_LIMIT', 'sell', 0.01, 57000, {
        stopPrice: 57500,
    });
    await judge('POST', '/liquidity', { symbol: 'BTCUSDT', quantity: '0.004' });
    await price('BTCUSDT', '58990');
    const partial = await ex.fetchOrder(undefined, BTC, { origClientOrderId: 'c-1' });
    found.partial = [partial.status, partial.filled, partial.remaining];
    await judge('POST', '/liquidity', { symbol: 'BTCUSDT' });
    await price('BTCUSDT', '57400');
    const woken = await ex.fetchOrder(stop.id, BTC);
    found.stop = [woken.status, woken.filled, woken.average];
    found.trades = (await ex.fetchMyTrades(BTC)).map((t) => [
        t.id, t.order, t.side, t.amount, t.price, t.fee.cost, t.fee.currency, t.takerOrMaker,
    ]);
    const balance = await ex.fetchBalance();
    found.balance = { BTC: balance.BTC, USDT: balance.USDT };
    await limit('buy', 50000, 'x-1');
    await limit('buy', 50001, 'x-2');
    found.cancelledAll = (await ex.cancelAllOrders(BTC)).length;
}

async function hurt(ex, found) {
    found.faults = {};
    for (const action of FAULTS) {
        await fault(action, { method: 'POST', path: '/api/v3/order', seconds: 0.2 });
        found.faults[action] = await errorOf(() =>
            ex.createOrder(BTC, 'limit', 'buy', 0.001, 50000, { newClientOrderId: 'f-' + action })
        );
        await judge('POST', '/calm', {});
    }
    await ex.cancelAllOrders(BTC);
}

async function streams(ex, found) {
    const moving = setInterval(() => {
        price('BTCUSDT', 57000 + Math.floor(Math.random() * 900)).catch(() => 0);
    }, 20);
    const [ticker, quote, trades, bars] = await Promise.all([
        ex.watchTicker(BTC),
        ex.watchBidsAsks([BTC]),
        ex.watchTrades(BTC),
        ex.watchOHLCV(BTC, '1m'),
    ]);
    clearInterval(moving);
    found.streams = {
        ticker: ticker.last > 0,
        quote: quote[BTC].bid < quote[BTC].ask,
        trade: trades[0].price > 0,
        bar: bars[0][2] >= bars[0][3],
    };
}

// The event of an order: both promises are made before the order, so that nothing is missed.
async function user(ex, found, given) {
    const events = [];
    const seen = async (state, count) => {
        while (events.filter((e) => e[1] === state).length < count) {
            for (const o of await ex.watchOrders(BTC)) {
                events.push([o.clientOrderId, o.status, o.filled]);
            }
        }
    };
    await price('BTCUSDT', '58000');
    const opened = seen('open', 1);
    const balance = ex.watchBalance();
    while (!(await judge('GET', '/requests')).some((r) =>
        r.path.startsWith('userDataStream.subscribe') && r.status)) {
        await new Promise(setImmediate);
    }
    const order = await ex.createOrderWs(BTC, 'limit', 'sell', 0.01, 70000, {
        newClientOrderId: 'w-' + given.key,
    });
    await opened;
    found.locked = (await balance).BTC.used;
    const closed = seen('closed', 1);
    await price('BTCUSDT', '70000');
    await closed;
    const other = await ex.createOrderWs(BTC, 'limit', 'sell', 0.01, 90000);
    found.openWs = (await ex.fetchOpenOrdersWs(BTC)).map((o) => o.id);
    found.cancelledWs = (await ex.cancelOrderWs(other.id, BTC)).status;
    found.events = events;
    found.wsOrder = order.id;
}

run(async (given, found) => {
    const ex = await connect(given);
    found.clock = Math.abs((await ex.fetchTime()) - Date.now()) < 5000;
    await ex.loadMarkets();
    const market = ex.market(BTC);
    found.market_limits = [market.precision.price, market.precision.amount, market.limits.cost.min];
    const bars = await ex.fetchOHLCV(BTC, '1h', undefined, 5);
    found.bars = bars.length === 5 && bars.every((b) => b[2] >= b[1] && b[3] <= b[4]);
    found.ticker = (await ex.fetchTicker(BTC)).last;
    found.book = (await ex.fetchOrderBook(BTC)).bids.length > 5;
    await orders(ex, found);
    await hurt(ex, found);
    await streams(ex, found);
    await user(ex, found, given);
    await ex.close();
});
