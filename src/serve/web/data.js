// Why: one place knows how the host is asked, what its columns are called, and how figures are
// shown.

// Times are columns such as at, received_at, opened_at, as ISO 8601 text.
export const time = (row, name) => row[`${name}_at`] ?? row[name] ?? null;

export const millis = (row, name) => {
    const text = time(row, name);
    return text ? Date.parse(text) : null;
};

const ORIGIN = new URL('.', document.baseURI);

async function readAnswer(answer) {
    let body = null;
    try {
        body = await answer.json();
    } catch {
        body = null;
    }
    if (answer.ok || (body && body.checks)) return body;
    const error = new Error(body?.error || `the host answered ${answer.status}`);
    error.status = answer.status;
    throw error;
}

export async function ask(path) {
    const answer = await fetch(new URL(path, ORIGIN), {
        cache: 'no-store',
        signal: AbortSignal.timeout(8000),
    });
    return readAnswer(answer);
}

// Changes carry a header that a page of another origin may not send; where the host has an
// admin.token, that too. It is kept for this tab only.
export async function change(path, body, token) {
    const headers = {'Content-Type': 'application/json', 'X-Tidelock': '1'};
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(new URL(path, ORIGIN), {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15000),
    });
    return readAnswer(answer);
}

// ---- figures ----

// Decimals travel as text and stay exact there; a double is good enough to draw with.
export const number = text =>
    text === null || text === undefined || text === '' ? null : Number(text);

let currency = 'USD';
export function setCurrency(name) {
    currency = /^[A-Z]{3}$/.test(name || '') ? name : 'USD';
}

const makers = new Map();
function formatter(key, make) {
    if (!makers.has(key)) makers.set(key, make());
    return makers.get(key);
}

export function money(value, {signed = false, digits = 0, compact = false} = {}) {
    if (value === null || !Number.isFinite(value)) return '–';
    const key = `${currency}${signed}${digits}${compact}`;
    const options = {
        style: 'currency',
        currency,
        currencyDisplay: 'narrowSymbol',
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
        signDisplay: signed ? 'exceptZero' : 'auto',
    };
    if (compact)
        Object.assign(options, {
            notation: 'compact',
            minimumFractionDigits: 0,
            maximumFractionDigits: 1,
        });
    return formatter(key, () => new Intl.NumberFormat('en', options)).format(value);
}

export function plain(value, digits = 2) {
    if (value === null || !Number.isFinite(value)) return '–';
    return formatter(
        `plain${digits}`,
        () =>
            new Intl.NumberFormat('en', {
                minimumFractionDigits: digits,
                maximumFractionDigits: digits,
            }),
    ).format(value);
}

export const percent = (value, digits = 2) =>
    value === null || !Number.isFinite(value) ? '–' : `${plain(value, digits)} %`;

// How many digits a price has behind the point: as many as its tick.
export const digitsOf = tick => (String(tick).split('.')[1] || '').length;

const pad = n => String(n).padStart(2, '0');
export function clock(ms, seconds = true) {
    if (!ms) return '–';
    const at = new Date(ms);
    const rest = seconds ? `:${pad(at.getSeconds())}` : '';
    return `${pad(at.getHours())}:${pad(at.getMinutes())}${rest}`;
}
export function day(ms) {
    const at = new Date(ms);
    return `${at.getDate()} ${at.toLocaleString('en', {month: 'short'})}`;
}
export const moment = ms =>
    !ms ? '–' : Date.now() - ms < 20 * 3600e3 ? clock(ms) : `${day(ms)} ${clock(ms, false)}`;

export function duration(seconds) {
    if (seconds < 90) return `${Math.round(seconds)} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return seconds < 172800
        ? `${Math.round(seconds / 3600)} h`
        : `${Math.round(seconds / 86400)} d`;
}

export const words = text =>
    String(text || '')
        .replace(/_/g, ' ')
        .toLowerCase();
export const short = text => String(text || '').slice(0, 10);

// The position a signal or order is about: "Long 2", "all".
export const layer = text => (text === 'ALL' ? 'all layers' : String(text || '').replace('_', ' '));

// How much of a limit is used; null where there is none.
export function share(value, limit) {
    const most = number(limit);
    return Number.isFinite(most) && most > 0 ? number(value) / most : null;
}
