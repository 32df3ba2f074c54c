// ccxt drives the USD-M venue: REST, then market streams and the account's by listen key.
'use strict';
const { run, price, fault, errorOf, close } = require('./drive.js');

const BTC = 'BTC/USDT:USDT';

async function connect(given) {
    const { default: ccxt } = await import('ccxt'); // older Nodes cannot require what it requires
    const exchange = new ccxt.pro.binanceusdm({
        apiKey: given.key,
        secret: given.secret,
        enableRateLimit: false,
        options: {
            fetchMarkets: { types: ['linear'] },
            fetchCurrencies: false,
            fetchMargins: false,
        },
    });
    exchange.has.fetchCurrencies = false;
    const api = exchange.urls.api;
    close(api);
    api.fapiPublic = api.fapiPrivate = given.url + '/fapi/v1';
    api.fapiPublicV2 = api.fapiPrivateV2 = given.url + '/fapi/v2';
    api.fapiPublicV3 = api.fapiPrivateV3 = given.url + '/fapi/v3';
    for (const [name, value] of Object.entries(api.ws)) {
        api.ws[name] = typeof value === 'string' ? given.ws_url + '/ws' : value;
    }
    api.ws['ws-api'].future = given.ws_url + '/ws-fapi/v1';
    await exchange.loadHttpProxyAgent();
    return exchange;
}

async function orders(ex, found) {
    found.leverage = (await ex.setLeverage(10, BTC)).leverage;
    const market = await ex.createOrder(BTC, 'market', 'buy', 0.02);
    const filled = await ex.fetchOrder(market.id, BTC);
    found.market = [market.status, filled.status, filled.filled, filled.average];
    const id = { newClientOrderId: 'u-1' };
    const resting = await ex.createOrder(BTC, 'limit', 'buy', 0.01, 59000, id);
    found.duplicate = await errorOf(() => ex.createOrder(BTC, 'limit', 'buy', 0.01, 59000, id));
    found.open = (await ex.fetchOpenOrders(BTC)).map((o) => o.clientOrderId);
    found.cancelled = (await ex.cancelOrder(resting.id, BTC)).status;
    found.reused = (await ex.createOrder(BTC, 'limit', 'buy', 0.01, 59000, id)).id !== resting.id;
    await ex.cancelAllOrders(BTC);
    found.reduceOnly = await errorOf(() =>
        ex.createOrder(BTC, 'market', 'buy', 0.01, undefined, { reduceOnly: true })
    );
    found.poor = await errorOf(() => ex.createOrder(BTC, 'market', 'buy', 800));
    const stop = await ex.createOrder(BTC, 'market', 'sell', 0.02, undefined, {
        stopLossPrice: 59500,
        reduceOnly: true,
    });
    found.stop = [stop.status, stop.triggerPrice];
    const positions = await ex.fetchPositions([BTC]);
    found.positions = positions.map((p) => [p.contracts, p.entryPrice, p.side]);
    await price('BTCUSDT', '59400');
    found.flat = (await ex.fetchPositions([BTC])).filter((p) => p.contracts > 0).length;
    found.trades = (await ex.fetchMyTrades(BTC)).map((t) => [
        t.id, t.order, t.side, t.amount, t.price, t.fee.cost,
    ]);
    found.wallet = (await ex.fetchBalance()).USDT.total;
    await fault('unknown_503', { method: 'POST', path: '/fapi/v1/order' });
    const lost = { newClientOrderId: 'u-lost' };
    found.unknown = await errorOf(() => ex.createOrder(BTC, 'limit', 'buy', 0.01, 50000, lost));
    await fault('failed_503', { method: 'POST', path: '/fapi/v1/order' });
    const gone = { newClientOrderId: 'u-gone' };
    found.failed = await errorOf(() => ex.createOrder(BTC, 'limit', 'buy', 0.01, 50000, gone));
}

async function streams(ex, found) {
    const moving = setInterval(() => price('BTCUSDT', 59400).catch(() => 0), 20);
    const [ticker, quote] = await Promise.all([ex.watchTicker(BTC), ex.watchBidsAsks([BTC])]);
    clearInterval(moving);
    found.streams = [ticker.last, quote[BTC].bid];
    const events = [];
    const watching = (async () => {
        while (!events.some((e) => e[1] === 'closed')) {
            for (const o of await ex.watchOrders(BTC)) {
                events.push([o.clientOrderId, o.status, o.filled]);
            }
        }
    })();
    // Orders go on until one is heard of: when the stream begins to flow is the client's affair.
    for (let n = 0; events.length === 0; n++) {
        const id = { newClientOrderId: 'e-' + n };
        await ex.createOrder(BTC, 'market', 'buy', 0.001, undefined, id);
        await ex.fetchTime();
    }
    await watching;
    found.heard = events.find((e) => e[1] === 'closed').slice(1);
}

run(async (given, found) => {
    const ex = await connect(given);
    await ex.loadMarkets();
    const market = ex.market(BTC);
    found.market_limits = [market.precision.price, market.precision.amount, market.limits.cost.min];
    found.bars = (await ex.fetchOHLCV(BTC, '1h', undefined, 5)).length;
    await orders(ex, found);
    await streams(ex, found);
    await ex.close();
});
