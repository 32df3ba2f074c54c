// OpenAlgo's own Node package drives the OpenAlgo venue.
'use strict';
const OpenAlgo = require('openalgo');
const { run, price, fault } = require('./drive.js');

const FUTURE = 'BANKNIFTY30DEC25FUT';

run(async (given, found) => {
    console.error = () => 0; // the package prints whole requests, keys and all
    const client = new OpenAlgo(given.key, given.url);
    const order = {
        strategy: 'S1', symbol: FUTURE, exchange: 'NFO', product: 'NRML', quantity: 35,
    };
    const statusOf = async (call) => {
        try {
            await call;
            return 200;
        } catch (error) {
            return error.response ? error.response.status : error.code;
        }
    };
    found.market = await client.placeOrder({ ...order, action: 'BUY' });
    const limit = { ...order, action: 'BUY', priceType: 'LIMIT' };
    found.limit = await client.placeOrder({ ...limit, price: '58000' });
    const change = { ...limit, orderId: found.limit.orderid, price: 57900 };
    found.modifyAsShipped = await statusOf(client.modifyOrder(change));
    found.modified = await client.modifyOrder({
        ...change, trigger_price: '0', disclosed_quantity: '0',
    });
    found.cancelled = await client.cancelOrder({ orderId: found.limit.orderid, strategy: 'S1' });
    found.cancelAgain = await statusOf(client.cancelOrder({ orderId: found.limit.orderid }));
    const smart = { ...order, action: 'BUY', positionSize: 140 };
    found.smart = await client.placeSmartOrder(smart);
    found.smartAgain = await client.placeSmartOrder(smart);
    found.resting = await client.placeOrder({ ...limit, price: '50000' });
    found.cancelledAll = await client.cancelAllOrder({ strategy: 'other' });
    await price(FUTURE, '59100');
    found.closed = await client.closePosition({ strategy: 'other' });
    await fault('error_500_after', { path: '*/placeorder' });
    found.lost = await statusOf(client.placeOrder({ ...order, action: 'BUY' }));
    await fault('accept_then_drop', { path: '*/placeorder' });
    found.dropped = await statusOf(client.placeOrder({ ...order, action: 'BUY' }));
    await fault('null_orderid', { path: '*/placeorder' });
    found.nothing = await client.placeOrder({ ...order, action: 'BUY' });
    found.wrongKey = await statusOf(new OpenAlgo('wrong', given.url).placeOrder({
        ...order, action: 'BUY',
    }));
});
