// Binance's own connector drives the spot venue: REST, WebSocket API with user data, streams.
'use strict';
const { Spot } = require('@binance/spot');
const { run, judge, price, fault, errorOf, first } = require('./drive.js');

const SYMBOL = 'BTCUSDT';
const auth = (given) =>
    given.secret.includes('PRIVATE KEY')
        ? { apiKey: given.key, privateKey: given.secret }
        : { apiKey: given.key, apiSecret: given.secret };

async function rest(client, found) {
    const data = async (call) => (await call).data();
    const api = client.restAPI;
    found.info = (await data(api.exchangeInfo({ symbol: SYMBOL }))).symbols[0].filters.length > 3;
    const order = { symbol: SYMBOL, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC' };
    const named = { ...order, quantity: 0.01, price: 50000, newClientOrderId: 's-1' };
    const placed = await data(api.newOrder(named));
    found.placed = [placed.status, placed.clientOrderId, placed.price];
    found.duplicate = await errorOf(() => api.newOrder(named));
    const one = { symbol: SYMBOL, origClientOrderId: 's-1' };
    found.queried = (await data(api.getOrder(one))).orderId === placed.orderId;
    found.open = (await data(api.getOpenOrders({ symbol: SYMBOL }))).length;
    const cancelled = await data(api.deleteOrder(one));
    // The answer names the cancel; the order is in origClientOrderId.
    found.cancelled = [cancelled.status, cancelled.origClientOrderId];
    found.cancelIsNamed = cancelled.clientOrderId !== 's-1';
    found.cancelAgain = await errorOf(() => api.deleteOrder(one));
    const market = await data(
        api.newOrder({ symbol: SYMBOL, side: 'BUY', type: 'MARKET', quoteOrderQty: 600 })
    );
    found.market = [market.status, market.executedQty, market.fills.length];
    found.trades = (await data(api.myTrades({ symbol: SYMBOL }))).map((t) => [t.price, t.qty]);
    found.all = (await data(api.allOrders({ symbol: SYMBOL }))).map((o) => o.status);
    const account = await data(api.getAccount({ omitZeroBalances: true }));
    found.free = account.balances.find((b) => b.asset === 'BTC').free;
    await fault('rate_429', { path: '/api/v3/time' });
    found.limited = await errorOf(() => api.time());
}

async function api(client, found, given) {
    const connection = await client.websocketAPI.connect();
    found.wsTime = (await connection.time()).data.serverTime > 0;
    const events = [];
    let subscribed;
    if (given.secret.includes('PRIVATE KEY')) {
        const answers = await connection.sessionLogon();
        found.session = (Array.isArray(answers) ? answers[0] : answers).data.apiKey;
        subscribed = await connection.userDataStreamSubscribe();
    } else {
        found.session = given.key;
        subscribed = await connection.userDataStreamSubscribeSignature();
    }
    found.subscription = subscribed.response.data.subscriptionId;
    let told = () => 0;
    subscribed.stream.on('message', (event) => {
        events.push([event.e, event.x, event.X, event.c, event.C].filter((v) => v !== undefined));
        told();
    });
    const until = (count) => first((done) => {
        told = () => done(events.length);
        told();
    }, (length) => length >= count);
    const placed = await connection.orderPlace({
        symbol: SYMBOL, side: 'SELL', type: 'LIMIT', timeInForce: 'GTC',
        quantity: 0.01, price: 80000, newClientOrderId: 'wsp-' + given.key,
    });
    found.wsPlaced = placed.data.status;
    await until(2);
    const status = await connection.orderStatus({ symbol: SYMBOL, orderId: placed.data.orderId });
    found.wsStatus = status.data.clientOrderId;
    await connection.orderCancel({
        symbol: SYMBOL, orderId: placed.data.orderId, newClientOrderId: 'the-cancel',
    });
    await until(4);
    found.events = events;
    await connection.disconnect();
}

async function streams(client, found) {
    const connection = await client.websocketStreams.connect();
    const moving = setInterval(() => price(SYMBOL, 61000).catch(() => 0), 20);
    const next = (stream) => first((done) => stream.on('message', done));
    const [quote, trade, bar] = await Promise.all([
        next(connection.bookTicker({ symbol: 'btcusdt' })),
        next(connection.trade({ symbol: 'btcusdt' })),
        next(connection.kline({ symbol: 'btcusdt', interval: '1m' })),
    ]);
    clearInterval(moving);
    found.streams = [quote.s, trade.p, bar.k.i];
    await connection.disconnect();
}

run(async (given, found) => {
    const client = new Spot({
        configurationRestAPI: { ...auth(given), basePath: given.url, retries: 0 },
        configurationWebsocketAPI: { ...auth(given), wsURL: given.ws_url + '/ws-api/v3' },
        configurationWebsocketStreams: { wsURL: given.ws_url },
    });
    await rest(client, found);
    await api(client, found, given);
    await streams(client, found);
    await judge('POST', '/calm', {});
});
