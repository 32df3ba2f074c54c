// Why: the page is refreshed every second; nodes are kept and only what differs is touched, so that
// nothing flickers, scroll and focus stay, and no text from outside is ever read as HTML.

export const $ = id => document.getElementById(id);

// h('p.soft', {title: 'x'}, 'text', node, ...): an element with its content. Text stays text.
export function h(what, attributes = {}, ...content) {
    const [tag, ...classes] = what.split('.');
    const node = document.createElement(tag || 'div');
    if (classes.length) node.className = classes.join(' ');
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
        else node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...content.filter(one => one !== null && one !== undefined && one !== false));
    return node;
}

export function text(node, value) {
    const wanted = value === null || value === undefined ? '' : String(value);
    if (node.textContent !== wanted) node.textContent = wanted;
}

export function mark(node, name, value) {
    if (value === null || value === undefined || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function show(node, visible) {
    if (node.hidden === visible) node.hidden = !visible;
}

// Makes the children of `parent` one per row, in order. `create(row)` makes a node, `update(node,
// row)` brings it up to date; nodes whose rows are still there are kept, and moved only if they
// must.
export function list(parent, rows, key, create, update) {
    const kept = parent.rowNodes || (parent.rowNodes = new Map());
    const wanted = new Map(rows.map(row => [String(key(row)), row]));
    for (const [id, node] of kept)
        if (!wanted.has(id)) {
            node.remove();
            kept.delete(id);
        }
    let at = parent.firstElementChild;
    for (const [id, row] of wanted) {
        let node = kept.get(id);
        if (!node) {
            node = create(row);
            kept.set(id, node);
            if (parent.wasFilled) node.classList.add('fresh');
        }
        update(node, row);
        if (node === at) at = at.nextElementSibling;
        else parent.insertBefore(node, at);
    }
    parent.wasFilled = true;
}

// A group of buttons of which one is pressed.
export function choice(parent, options, chosen, pick) {
    list(
        parent,
        options,
        one => one.value,
        one => h('button', {type: 'button', onclick: () => pick(one.value)}, one.label),
        (node, one) => {
            text(node, one.label);
            mark(node, 'aria-pressed', one.value === chosen ? 'true' : 'false');
        },
    );
}
