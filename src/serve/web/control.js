// Why: what an operator changes passes one dialog that asks who and why, because both stand in the
// event log for good.
import {change} from './data.js';
import {$, h, show} from './dom.js';

const HALTS = [
    {
        value: 'no_entry',
        label: 'No entries',
        hint: 'Open positions are managed and closed as usual.',
    },
    {value: 'reduce_only', label: 'Reduce only', hint: 'Only what lowers exposure is sent.'},
    {value: 'flatten', label: 'Flatten', hint: 'Every open position is closed now.'},
    {value: 'freeze', label: 'Freeze', hint: 'Nothing at all is sent, exits included.'},
];

let pending = null;

function remembered(name) {
    try {
        return sessionStorage.getItem(name) || localStorage.getItem(name) || '';
    } catch {
        return ''; // storage may be switched off
    }
}
function remember(store, name, value) {
    try {
        store.setItem(name, value);
    } catch {
        return; // then it is asked again next time
    }
}

function fillChoices(choices = []) {
    const nodes = choices.map((one, i) =>
        h(
            'label.pick',
            {},
            h('input', {
                type: 'radio',
                name: 'pick',
                value: one.value,
                required: true,
                checked: choices.length && i === 0,
            }),
            h('span', {}, h('b', {}, one.label), one.hint ? h('small', {}, one.hint) : null),
        ),
    );
    $('change-choices').replaceChildren(...nodes);
    show($('change-choices'), nodes.length > 0);
}

// what: {title, text, choices, why: required?, button, danger, path | path(pick), body(pick), done}
export function openChange(what) {
    pending = what;
    $('change-title').textContent = what.title;
    $('change-text').textContent = what.text;
    fillChoices(what.choices);
    $('change-who').value = remembered('tidelock.who');
    $('change-why').value = '';
    $('change-why').required = !!what.why;
    show($('change-why-label'), !!what.why);
    show($('change-error'), false);
    $('change-do').textContent = what.button;
    $('change-do').className = what.danger ? 'danger' : 'primary';
    $('change').showModal();
    ($('change-who').value && what.why ? $('change-why') : $('change-who')).focus();
}

function complain(sentence) {
    $('change-error').textContent = sentence;
    show($('change-error'), true);
}

async function submit(event) {
    event.preventDefault();
    const who = $('change-who').value.trim(),
        why = $('change-why').value.trim();
    const token = $('change-token').value || remembered('tidelock.token');
    if (!who || (pending.why && !why)) {
        complain(pending.why ? 'Say who and why: both are kept.' : 'Say who: it is kept.');
        return;
    }
    const pick = new FormData($('change-form')).get('pick');
    $('change-do').disabled = true;
    try {
        await change(pending.path, {...pending.body(pick), who, ...(why ? {why} : {})}, token);
        remember(localStorage, 'tidelock.who', who);
        if (token) remember(sessionStorage, 'tidelock.token', token);
        $('change').close();
        pending.done?.();
    } catch (error) {
        show($('change-token-label'), error.status === 401 || !$('change-token-label').hidden);
        complain(error.message);
    } finally {
        $('change-do').disabled = false;
    }
}

export function startControl(refresh) {
    $('change-form').addEventListener('submit', submit);
    for (const dialog of document.querySelectorAll('dialog')) {
        dialog.addEventListener('click', event => {
            if (event.target === dialog || event.target.closest('[data-close]')) dialog.close();
        });
    }
    $('halt').addEventListener('click', () =>
        openChange({
            title: 'Halt trading',
            choices: HALTS,
            why: true,
            button: 'Halt',
            danger: true,
            text:
                'A halt is stored, survives restarts, and is the last check before anything is ' +
                'sent. Signals keep being taken and recorded.',
            path: 'api/halt',
            body: level => ({level}),
            done: refresh,
        }),
    );
    $('resume').addEventListener('click', () =>
        openChange({
            title: 'Resume trading',
            why: true,
            button: 'Resume',
            text: 'The halt is lifted. Signals that were rejected meanwhile stay rejected.',
            path: 'api/resume',
            body: () => ({}),
            done: refresh,
        }),
    );
}

export function changePolicy(name, verb, refresh) {
    const push = verb === 'push';
    openChange({
        title: push ? `Load ${name} again` : `Roll ${name} back`,
        text: push
            ? 'Its files are compiled aside and checked; only if all is well the new version ' +
              'takes over, whole, between two decisions. Else the live one stays.'
            : 'The version before the live one takes over at once. Rolling back again undoes it.',
        button: push ? 'Load' : 'Roll back',
        path: `api/policies/${name}/${verb}`,
        body: () => ({}),
        done: refresh,
    });
}
