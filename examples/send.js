#!/usr/bin/env node
// Sends a signal signed as Standard Webhooks ask for. Node 18 or later, nothing to install.
//
//   WEBHOOK_SECRET=... node examples/send.js http://127.0.0.1:8787/webhook/model \
//       strategy=meanrev instrument=GOLD_MINI type=BASE_ENTRY position=Long_1 \
//       price=72000 stop=71650 atr=140
//
// What was not kept (503), or got no answer, is sent again with the same body: the host acts on it
// once, however often it arrives.
'use strict';
const {createHmac, randomUUID} = require('node:crypto');

const TRIES = 5;

function sign(secret, id, timestamp, body) {
    const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret;
    const signed = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`);
    return `v1,${signed.digest('base64')}`;
}

async function sendOnce(url, body, secret, id) {
    const headers = {'Content-Type': 'application/json'};
    if (secret) {
        const now = String(Math.floor(Date.now() / 1000));
        headers['webhook-id'] = id;
        headers['webhook-timestamp'] = now;
        headers['webhook-signature'] = sign(secret, id, now, body);
    }
    try {
        const signal = AbortSignal.timeout(5000);
        const answer = await fetch(url, {method: 'POST', headers, body, signal});
        return [answer.status, await answer.text()];
    } catch (error) {
        return [0, String(error)];
    }
}

async function main([url, ...fields]) {
    if (!url || !fields.length || fields.some(field => !field.includes('='))) {
        console.error('usage: send.js URL field=value ...');
        return 2;
    }
    const pairs = fields.map(field => [
        field.slice(0, field.indexOf('=')),
        field.slice(field.indexOf('=') + 1),
    ]);
    const timestamp = `${new Date().toISOString().slice(0, 19)}Z`;
    const body = JSON.stringify({timestamp, ...Object.fromEntries(pairs)});
    const id = `msg_${randomUUID()}`;
    for (let attempt = 0; attempt < TRIES; attempt++) {
        const [status, text] = await sendOnce(url, body, process.env.WEBHOOK_SECRET, id);
        console.log(status, text);
        if (![0, 429, 503].includes(status))
            return status >= 200 && status < 300 ? 0 : 1;
        await new Promise(done => setTimeout(done, 1000 * 2 ** attempt));
    }
    return 1;
}

main(process.argv.slice(2)).then(code => (process.exitCode = code));
