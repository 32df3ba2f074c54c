// The ws package plays one side of a recorded talk with the feed and tells what came back.
'use strict';
const WebSocket = require('ws');
const { run, first } = require('./drive.js');

// Sends each line when the answer to the one before has come; ticks may come between.
async function talk(given, found) {
    const socket = new WebSocket(given.ws_url);
    await first((done) => socket.on('open', done));
    let answered = () => 0;
    found.answers = [];
    found.ticks = [];
    socket.on('message', (data) => {
        const told = JSON.parse(data);
        (told.type === 'market_data' ? found.ticks : found.answers).push(told);
        answered();
    });
    for (const [number, line] of given.lines.entries()) {
        const enough = first((done) => (answered = () => done(found.answers.length)),
            (length) => length > number);
        socket.send(line);
        await enough;
    }
    socket.close();
}

async function idle(given, found) {
    const socket = new WebSocket(given.ws_url);
    found.closed = await first((done) => {
        socket.on('close', (code, text) => done([code, `${text}`]));
    });
}

run(async (given, found) => (given.lines ? talk(given, found) : idle(given, found)));
