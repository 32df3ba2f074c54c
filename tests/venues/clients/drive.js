// What every client program shares: its orders come as one JSON argument, its findings go to stdout
// as one JSON line, and the judge's door of the venue is at hand to move the price.
'use strict';

const given = JSON.parse(process.argv[2]);
const found = {};

async function judge(verb, path, body) {
    const answer = await fetch(given.control_url + path, {
        method: verb,
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok) {
        throw new Error(`${verb} ${path}: ${told.error}`);
    }
    return told;
}

const price = (symbol, to) => judge('POST', '/price', { symbol, price: String(to) });
const fault = (action, rule) => judge('POST', '/fault', { action, ...rule });

// The name of the error that the call ends with, or 'none'.
async function errorOf(call) {
    try {
        await call();
        return 'none';
    } catch (error) {
        return error.constructor.name;
    }
}

// Resolves with the first value that the test accepts; the waiting ends with the whole program.
function first(subscribe, accept = () => true) {
    return new Promise((resolve) => subscribe((value) => accept(value) && resolve(value)));
}

// Every address that is not the venue's leads nowhere: a call forgotten here must not reach a
// real exchange.
function close(urls) {
    for (const [name, value] of Object.entries(urls)) {
        if (typeof value === 'string') {
            urls[name] = 'http://127.0.0.1:9/closed';
        } else if (value) {
            close(value);
        }
    }
}

function run(main) {
    const late = setTimeout(() => {
        console.error(`nothing more after: ${Object.keys(found).join(', ') || 'the start'}`);
        process.exit(1);
    }, given.limit_ms);
    main(given, found).then(
        () => {
            clearTimeout(late);
            const plain = (_, value) => (typeof value === 'bigint' ? Number(value) : value);
            process.stdout.write(JSON.stringify(found, plain) + '\n', () => process.exit(0));
        },
        (error) => {
            console.error(error);
            process.exit(1);
        }
    );
}

module.exports = { run, judge, price, fault, errorOf, first, close };
