// Why: two calm charts without a library: equity over time, and bars with what was traded on them.
import {clock, day, number, plain} from './data.js';

const AXIS = 70; // room for the figures on the right
const FOOT = 20; // and for the times below

function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = name => style.getPropertyValue(name).trim();
    return {
        ink: of('--ink'),
        soft: of('--soft'),
        faint: of('--faint'),
        line: of('--line'),
        card: of('--card'),
        accent: of('--accent'),
        up: of('--up'),
        down: of('--down'),
        stop: of('--stop'),
        live: of('--live'),
        fill: of('--accent-tint'),
    };
}

// The canvas at the screen's own resolution. Null while it is not shown.
function surface(canvas) {
    const box = canvas.getBoundingClientRect();
    if (box.width < 40 || box.height < 40) return null;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(box.width * ratio),
        height = Math.round(box.height * ratio);
    if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
    }
    const pen = canvas.getContext('2d');
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    pen.font = '11px system-ui, sans-serif';
    pen.textBaseline = 'middle';
    return {
        pen,
        colour: colours(),
        right: box.width - AXIS,
        bottom: box.height - FOOT,
        width: box.width,
        height: box.height,
    };
}

function niceStep(span, count) {
    const raw = span / Math.max(1, count),
        power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 2.5, 5, 10].map(n => n * power).find(step => step >= raw) || raw;
}

// A scale from values to pixels, with some air above and below.
function scale(low, high, bottom, least) {
    if (high - low < least) {
        const middle = (high + low) / 2;
        low = middle - least / 2;
        high = middle + least / 2;
    }
    const air = (high - low) * 0.09;
    low -= air;
    high += air;
    const y = value => 6 + (bottom - 6) * (1 - (value - low) / (high - low));
    return {low, high, y};
}

function drawGrid(s, range, label) {
    const {pen, colour} = s;
    const step = niceStep(range.high - range.low, Math.max(2, s.bottom / 46));
    pen.lineWidth = 1;
    pen.textAlign = 'left';
    for (let v = Math.ceil(range.low / step) * step; v <= range.high; v += step) {
        const y = Math.round(range.y(v)) + 0.5;
        pen.strokeStyle = colour.line;
        pen.beginPath();
        pen.moveTo(0, y);
        pen.lineTo(s.right, y);
        pen.stroke();
        pen.fillStyle = colour.faint;
        pen.fillText(label(v, step), s.right + 8, y);
    }
}

function drawFoot(s, places) {
    const {pen, colour} = s;
    pen.fillStyle = colour.faint;
    pen.textAlign = 'center';
    let last = -1e9;
    for (const [x, label] of places) {
        const half = pen.measureText(label).width / 2;
        const at = Math.min(Math.max(x, half), s.right - half);
        if (at - half < last + 14) continue;
        pen.fillText(label, at, s.bottom + FOOT / 2 + 2);
        last = at + half;
    }
}

function drawTag(s, y, label, back) {
    const {pen, colour} = s;
    const at = Math.min(Math.max(y, 9), s.bottom - 9);
    pen.fillStyle = back;
    pen.beginPath();
    pen.roundRect(s.right + 3, at - 9, AXIS - 4, 18, 4);
    pen.fill();
    pen.fillStyle = colour.card;
    pen.textAlign = 'left';
    pen.fillText(label, s.right + 8, at + 0.5);
}

function drawCross(s, x, y) {
    const {pen, colour} = s;
    pen.strokeStyle = colour.faint;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    pen.moveTo(Math.round(x) + 0.5, 4);
    pen.lineTo(Math.round(x) + 0.5, s.bottom);
    if (y !== null) {
        pen.moveTo(0, Math.round(y) + 0.5);
        pen.lineTo(s.right, Math.round(y) + 0.5);
    }
    pen.stroke();
    pen.setLineDash([]);
}

// Follows the pointer and the arrow keys over a canvas: canvas.cursor is where, or null.
export function follow(canvas, redraw, pick) {
    const move = x => {
        canvas.cursor = x;
        redraw();
    };
    const place = event => event.clientX - canvas.getBoundingClientRect().left;
    canvas.cursor = null;
    canvas.addEventListener('pointermove', event => move(place(event)));
    canvas.addEventListener('pointerleave', () => move(null));
    canvas.addEventListener('blur', () => move(null));
    canvas.addEventListener('keydown', event => {
        const step = {ArrowLeft: -8, ArrowRight: 8}[event.key];
        if (step) {
            const width = canvas.getBoundingClientRect().width - AXIS;
            move(Math.min(width, Math.max(0, (canvas.cursor ?? width) + step)));
            event.preventDefault();
        } else if (event.key === 'Enter' && pick) {
            pick(canvas.cursor);
        }
    });
    if (pick) canvas.addEventListener('click', event => pick(place(event)));
}

// ---- equity ----

function timeLabels(from, to, right) {
    const span = to - from;
    const steps = [
        1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
        172800, 604800, 2592000,
    ].map(s => s * 1000);
    const step = steps.find(one => span / one <= Math.max(2, right / 110)) || span;
    const offset = new Date(from).getTimezoneOffset() * 60000,
        places = [];
    for (let t = Math.ceil((from - offset) / step) * step + offset; t <= to; t += step)
        places.push([
            ((t - from) / span) * right,
            step >= 86400e3 ? day(t) : clock(t, step < 60000),
        ]);
    return places;
}

// Points of [time, value] inside the window, with the value that holds at its left edge.
function inWindow(points, from) {
    let first = points.findIndex(point => point[0] >= from);
    if (first < 0) first = points.length;
    const held = first > 0 ? [[from, points[first - 1][1]]] : [];
    return held.concat(points.slice(first));
}

function tracePath(pen, points, x, y, steps) {
    points.forEach(([t, v], i) => {
        if (i === 0) {
            pen.moveTo(x(t), y(v));
            return;
        }
        if (steps) pen.lineTo(x(t), y(points[i - 1][1]));
        pen.lineTo(x(t), y(v));
    });
}

function valueAt(points, t) {
    let found = null;
    for (const point of points) {
        if (point[0] > t) break;
        found = point[1];
    }
    return found;
}

// closed, live: lists of [ms, value], oldest first. Returns what stands under the cursor.
export function drawEquity(canvas, closed, live, spanMs) {
    const s = surface(canvas);
    if (!s || !closed.length) return null;
    const {pen, colour} = s,
        to = Date.now();
    const from = Math.max(to - spanMs, Math.min(closed[0][0], to - 10000));
    const steps = inWindow(closed, from),
        waves = inWindow(live, from);
    steps.push([to, steps[steps.length - 1][1]]);
    const values = steps.concat(waves).map(point => point[1]);
    const range = scale(
        Math.min(...values),
        Math.max(...values),
        s.bottom,
        Math.abs(values[0]) * 0.0008 || 1,
    );
    const x = t => Math.max(0, (t - from) / (to - from)) * s.right;
    drawGrid(s, range, v => plain(v, 0));
    drawFoot(s, timeLabels(from, to, s.right));

    pen.beginPath();
    tracePath(pen, steps, x, range.y, true);
    pen.strokeStyle = colour.accent;
    pen.lineWidth = 2;
    pen.lineJoin = 'round';
    pen.stroke();
    pen.lineTo(x(to), s.bottom);
    pen.lineTo(x(steps[0][0]), s.bottom);
    pen.fillStyle = colour.fill;
    pen.fill();
    const last = steps[steps.length - 1];
    if (waves.length) {
        const end = waves[waves.length - 1];
        pen.beginPath();
        tracePath(pen, waves, x, range.y, false);
        pen.strokeStyle = pen.fillStyle = colour.live;
        pen.lineWidth = 1.25;
        pen.stroke();
        pen.beginPath();
        pen.arc(x(end[0]), range.y(end[1]), 3, 0, 7);
        pen.fill();
    }
    drawTag(s, range.y(last[1]), plain(last[1], 0), colour.accent);
    if (canvas.cursor === null || canvas.cursor > s.right) return null;
    const t = from + (canvas.cursor / s.right) * (to - from);
    const under = {at: t, closed: valueAt(steps, t), live: valueAt(waves, t)};
    drawCross(s, canvas.cursor, range.y(under.live ?? under.closed));
    return under;
}

// ---- the market ----

function drawCandles(s, bars, x, step, y) {
    const {pen, colour} = s,
        body = Math.max(1, Math.min(11, Math.floor(step * 0.66)));
    bars.forEach((bar, i) => {
        const [, open, high, low, close] = bar,
            middle = Math.round(x(i));
        pen.strokeStyle = pen.fillStyle = close >= open ? colour.up : colour.down;
        pen.globalAlpha = 0.85;
        pen.lineWidth = 1;
        pen.beginPath();
        pen.moveTo(middle + 0.5, y(high));
        pen.lineTo(middle + 0.5, y(low));
        pen.stroke();
        if (body > 1) {
            const top = y(Math.max(open, close));
            pen.fillRect(
                middle - Math.floor(body / 2),
                top,
                body,
                Math.max(1, y(Math.min(open, close)) - top),
            );
        }
    });
    pen.globalAlpha = 1;
}

function drawMark(s, x, y, buy) {
    const {pen, colour} = s,
        d = buy ? 1 : -1;
    pen.beginPath();
    pen.moveTo(x, y + 5 * d);
    pen.lineTo(x - 5.5, y + 14 * d);
    pen.lineTo(x + 5.5, y + 14 * d);
    pen.closePath();
    pen.fillStyle = buy ? colour.accent : colour.ink;
    pen.strokeStyle = colour.card;
    pen.lineWidth = 2;
    pen.stroke();
    pen.fill();
}

function drawLevel(s, y, colour, dash, label) {
    const {pen} = s;
    if (y < 0 || y > s.bottom) return;
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(0, Math.round(y) + 0.5);
    pen.lineTo(s.right, Math.round(y) + 0.5);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = colour;
    pen.textAlign = 'left';
    pen.fillText(label, 4, y - 7);
}

// market: {bars: [[ms, open, high, low, close]], interval, fills: [{ms, price, buy, ...}],
// positions, digits}. Returns {bar, fills} under the cursor.
export function drawMarket(canvas, market) {
    const s = surface(canvas);
    if (!s || !market.bars.length) return null;
    const {colour} = s,
        count = Math.max(30, Math.floor(s.right / 7.5));
    const bars = market.bars.slice(-count),
        step = s.right / Math.max(bars.length, 40);
    const x = i => s.right - (bars.length - i - 0.5) * step;
    let low = Infinity,
        high = -Infinity;
    for (const bar of bars) {
        low = Math.min(low, bar[3]);
        high = Math.max(high, bar[2]);
    }
    const reach = (high - low) * 0.6;
    for (const position of market.positions) {
        const stop = number(position.stop);
        if (stop !== null && stop > low - reach && stop < high + reach) {
            low = Math.min(low, stop);
            high = Math.max(high, stop);
        }
    }
    const range = scale(low, high, s.bottom, bars[0][4] * 0.001),
        {y} = range;
    drawGrid(s, range, (v, by) => plain(v, by < 1 ? market.digits : 0));
    const closes = i => bars[i][0] + market.interval;
    const every = Math.max(1, Math.round(110 / step)),
        places = [];
    for (let i = bars.length - 1 - Math.floor(every / 2); i >= 0; i -= every)
        places.unshift([
            x(i),
            clock(closes(i), bars.length > 1 && closes(bars.length - 1) - closes(0) < 3600e3),
        ]);
    drawFoot(s, places);
    const labels = [];
    for (const position of market.positions) {
        const name = `${position.strategy} ${position.label.replace('_', ' ')}`;
        drawLevel(s, y(number(position.entry_price)), colour.faint, [1, 3], '');
        if (position.stop === null) continue;
        const at = y(number(position.stop)),
            free = labels.every(one => Math.abs(one - at) > 12);
        drawLevel(s, at, colour.stop, [5, 4], free ? `${name} stop` : '');
        if (free) labels.push(at);
    }
    drawCandles(s, bars, x, step, y);
    const placed = [];
    for (const fill of market.fills) {
        if (fill.ms < closes(0)) continue;
        let i = bars.length - 1;
        while (i > 0 && closes(i) > fill.ms) i--;
        placed.push([i, fill]);
        drawMark(s, x(i), fill.buy ? y(bars[i][3]) : y(bars[i][2]), fill.buy);
    }
    const last = bars[bars.length - 1];
    drawTag(
        s,
        y(last[4]),
        plain(last[4], last[4] > 9999 ? 0 : market.digits),
        last[4] >= last[1] ? colour.up : colour.down,
    );
    if (canvas.cursor === null || canvas.cursor > s.right) return null;
    const i = Math.min(
        bars.length - 1,
        Math.max(0, Math.round(bars.length - 0.5 - (s.right - canvas.cursor) / step)),
    );
    drawCross(s, x(i), null);
    const near = Math.max(1, Math.ceil(6 / step));
    return {
        at: closes(i),
        bar: bars[i],
        fills: placed.filter(one => Math.abs(one[0] - i) < near).map(one => one[1]),
    };
}
