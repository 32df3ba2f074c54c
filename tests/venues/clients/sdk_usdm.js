// Binance's own futures connector drives the USD-M venue: conditional orders, listen key, settings.
'use strict';
const { DerivativesTradingUsdsFutures: Client } = require(
    '@binance/derivatives-trading-usds-futures'
);
const { run, price, errorOf, first } = require('./drive.js');

const symbol = 'BTCUSDT';

run(async (given, found) => {
    const auth = given.secret.includes('PRIVATE KEY')
        ? { apiKey: given.key, privateKey: given.secret }
        : { apiKey: given.key, apiSecret: given.secret };
    const client = new Client({
        configurationRestAPI: { ...auth, basePath: given.url, retries: 0 },
        configurationWebsocketStreams: { wsURL: given.ws_url },
    });
    const api = client.restAPI;
    const data = async (call) => (await call).data();
    found.info = (await data(api.exchangeInformation())).symbols.length;
    const { listenKey } = await data(api.startUserDataStream());
    found.kept = (await data(api.keepaliveUserDataStream())) !== undefined;
    const connection = await client.websocketStreams.connect();
    const events = [];
    let told = () => 0;
    const stream = connection.userData(listenKey);
    stream.on('message', (event) => {
        const order = event.o || {};
        events.push([event.e, order.x, order.X].filter((part) => part !== undefined));
        told();
    });
    const until = (count) => first((done) => {
        told = () => done(events.length);
        told();
    }, (length) => length >= count);
    found.mode = (await data(api.getCurrentPositionMode())).dualSidePosition;
    const order = { symbol, side: 'BUY', type: 'MARKET', quantity: 0.01 };
    const ack = await data(api.newOrder(order));
    found.ack = [ack.status, ack.executedQty];
    await until(3);
    const result = await data(api.newOrder({ ...order, newOrderRespType: 'RESULT' }));
    found.result = [result.status, result.executedQty, result.avgPrice];
    await until(6);
    const stop = { symbol, side: 'SELL', type: 'STOP_MARKET', quantity: 0.01, stopPrice: 59000 };
    found.refused = await errorOf(() => api.newOrder(stop));
    const algo = await data(api.newAlgoOrder({
        algoType: 'CONDITIONAL', symbol, side: 'SELL', type: 'STOP_MARKET',
        closePosition: 'true', triggerPrice: 59000, clientAlgoId: 'protect',
    }));
    found.algo = [algo.algoStatus, algo.clientAlgoId];
    found.waiting = (await data(api.currentAllAlgoOpenOrders())).length;
    await until(7);
    await price(symbol, '58900');
    await until(13);
    const query = await data(api.queryAlgoOrder({ algoId: algo.algoId }));
    found.finished = query.algoStatus;
    const actual = await data(api.queryOrder({ symbol, orderId: Number(query.actualOrderId) }));
    found.actual = [actual.status, actual.executedQty, actual.clientOrderId];
    found.events = events;
    const risk = await data(api.positionInformationV2({ symbol }));
    found.position = risk[0].positionAmt;
    found.again = await errorOf(() => api.changeMarginType({ symbol, marginType: 'CROSSED' }));
    await connection.disconnect();
});
