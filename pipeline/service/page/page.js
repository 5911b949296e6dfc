'use strict';
// Everything that comes from the service is put into the page as text, never as markup.

const PAGE_SIZE = 50;
const REFRESH_MS = 10000;
const main = document.getElementById('main');
let timer = 0;
let shown = 0;  // counts pages, so that a late answer does not replace a newer page

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== '') element.append(child);
  }
  return element;
}

class NoToken extends Error {}

async function ask(path) {
  const token = sessionStorage.getItem('token');
  const answer = await fetch('/api/v1/' + path, {
    headers: token ? {Authorization: 'Bearer ' + token} : {},
    cache: 'no-store',
  });
  if (answer.status === 401 || answer.status === 403) throw new NoToken(token ? 'This token does not do.' : '');
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.message || 'The service answers ' + answer.status + '.');
  return body;
}

function age(text) {
  if (!text) return '';
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(text)) / 1000));
  const words = seconds < 60 ? seconds + ' s ago' : seconds < 3600 ? Math.floor(seconds / 60) + ' min ago'
    : seconds < 172800 ? Math.floor(seconds / 3600) + ' h ago' : Math.floor(seconds / 86400) + ' days ago';
  return make('time', {datetime: text, title: text}, words);
}

const GOOD = ['converged', 'in place', 'active', 'Active', 'done'];
const BAD = ['failed', 'Failed', 'conflict', 'refused', 'silent'];
function tone(word) {
  if (!word) return 'dim';
  if (GOOD.some((good) => word.startsWith(good))) return 'good';
  return BAD.some((bad) => word.includes(bad)) ? 'bad' : 'warn';
}
const dim = (word) => make('span', {class: 'dim'}, word);
// Where there is nothing: a phone leaves such a line out.
const none = (word) => make('span', {class: 'dim none'}, word);
const toned = (word) => word ? make('span', {class: tone(word)}, word) : '';

function table(caption, columns, rows, empty) {
  if (rows.length === 0) return make('p', {class: 'dim'}, empty);
  return make('table', {'aria-label': caption},
    make('thead', {}, make('tr', {}, columns.map((column) => make('th', {scope: 'col'}, column)))),
    make('tbody', {}, rows.map((row) => make('tr', {},
      row.map((cell, i) => make('td', {'data-label': columns[i],
        class: !cell || (cell.classList && cell.classList.contains('none')) ? 'none' : null}, make('span', {}, cell)))))));
}

// Joined by line breaks.
function lines(values) {
  return values.flatMap((value, i) => i ? [make('br'), value] : [value]);
}

// What a boot came to, beside the profile that it has.
const BOOTED = {profile: '', install: 'install', installed: 'local disk: is installed', local: 'local disk', error: 'no script'};
const booted = (boot) => BOOTED[boot.decision] ?? boot.decision;

const serverLink = (name) => make('a', {href: '#/servers/' + encodeURIComponent(name)}, name);

// --- pages: each asks, and gives what is to be shown ---------------------------------------

async function servers(query) {
  const filter = {q: query.get('q') || '', state: query.get('state') || ''};
  const offset = Number(query.get('offset')) || 0;
  const parameters = new URLSearchParams({...filter, limit: PAGE_SIZE, offset});
  const [list, status] = await Promise.all([ask('servers?' + parameters), ask('status')]);
  const go = (next) => {
    const wanted = new URLSearchParams();
    for (const [key, value] of Object.entries({...filter, offset: 0, ...next})) if (value) wanted.set(key, value);
    location.hash = '#/' + (wanted.size ? '?' + wanted : '');
  };
  let typing = 0;
  const search = make('input', {type: 'search', id: 'search', value: filter.q, autocomplete: 'off',
    placeholder: 'name, MAC, address, profile', oninput: (event) => {
      clearTimeout(typing);
      typing = setTimeout(() => go({q: event.target.value}), 250);
    }});
  const states = ['', 'attention', 'converged', 'behind', 'failed', 'silent', 'unknown'];
  const state = make('select', {id: 'state-filter', onchange: (event) => go({state: event.target.value})},
    states.map((word) => make('option', {value: word, selected: word === filter.state ? '' : null},
      word === 'attention' ? 'needs attention' : word || 'all')));
  const targets = (server) => server.targets.length === 0 ? toned('in place')
    : lines(server.targets.map((target) => make('span', {}, target.target + ': ', toned(target.state))));
  const rows = list.servers.map((server) => [
    serverLink(server.name), make('span', {class: 'mono'}, lines(server.macs)), server.profile || 'local disk',
    toned(server.lifecycle || (server.node && server.node.state)) || none('–'), targets(server),
    server.boot ? make('span', {}, age(server.boot.last), ' ', dim(booted(server.boot))) : none('never'),
    server.node ? make('span', {}, toned(server.node.convergence), ' ', age(server.node.reported)) : none('never'),
  ]);
  const last = Math.min(offset + PAGE_SIZE, list.total);
  return [
    make('h2', {}, 'Servers'),
    make('ul', {class: 'targets', 'aria-label': 'Targets'},
      status.targets.map((target) => make('li', {}, target.target + ': ', toned(target.state)))),
    ...status.targets.filter((target) => target.error).map((target) =>
      make('p', {class: 'problem'}, make('b', {}, target.target), ' ', target.error)),
    make('div', {class: 'filters', role: 'search'}, make('label', {for: 'search'}, 'Find', search),
      make('label', {for: 'state-filter'}, 'Node’s state', state)),
    table('Servers', ['Name', 'MAC addresses', 'Profile', 'State', 'Targets', 'Last boot', 'Last report'], rows,
      list.total === 0 && !filter.q && !filter.state ? 'The repository has no server yet.' : 'No server fits.'),
    make('div', {class: 'pager'},
      make('button', {disabled: offset === 0 ? '' : null, onclick: () => go({offset: Math.max(0, offset - PAGE_SIZE)})},
        'Previous'),
      make('span', {}, list.total === 0 ? '0 servers' : `${offset + 1} to ${last} of ${list.total}`),
      make('button', {disabled: last >= list.total ? '' : null, onclick: () => go({offset: offset + PAGE_SIZE})}, 'Next')),
  ];
}

async function server(name) {
  const it = await ask('servers/' + encodeURIComponent(name));
  const origin = (text) => make('span', {class: 'mono dim'}, text);
  const facts = [['Host name', it.hostname], ['Profile', it.profile || 'local disk'],
    ['State', toned(it.lifecycle || (it.node && it.node.state))],
    ['Node', it.node ? make('span', {}, toned(it.node.convergence), ' ', age(it.node.reported)) : 'never heard of'],
    ['Last boot', it.boot ? make('span', {}, age(it.boot.last), ` (${[booted(it.boot), it.boot.boots + ' in all'].filter(Boolean).join(', ')})`) : 'never'],
    ['In the repository', origin(it.origin)]];
  return [
    make('h2', {}, it.name),
    make('dl', {}, facts.filter((fact) => fact[1]).flatMap(([key, value]) => [make('dt', {}, key), make('dd', {}, value)])),
    make('h3', {}, 'Why'), make('ul', {}, it.notes.map((note) => make('li', {}, note))),
    make('h3', {}, 'Values'),
    table('Values', ['Value of', 'is', 'from'],
      it.values.map((value) => [make('code', {}, value.path), value.value, origin(value.origin)]), 'None.'),
    make('h3', {}, 'What is made of it'),
    table('Resources', ['Resource', 'State'],
      it.resources.map((resource) => [make('code', {}, resource.address), toned(resource.state)]), 'Nothing.'),
    it.report ? make('details', {}, make('summary', {}, 'Last report'),
      make('pre', {class: 'diff'}, JSON.stringify(it.report, null, 1))) : null,
  ];
}

async function pending() {
  const list = await ask('pending');
  return [
    make('h2', {}, 'Pending machines'),
    make('p', {class: 'dim'}, 'They asked for a boot or registered, and no inventory has them. ',
      make('code', {}, 'metalwright adopt MAC --as NAME'), ' writes the entry to commit.'),
    table('Pending machines', ['MAC address', 'Address', 'Says it is', 'First seen', 'Last seen', 'By'],
      list.pending.map((machine) => [make('code', {}, machine.mac), machine.address, machine.hostname,
        age(machine.first_seen), age(machine.last_seen), machine.source]), 'No machine waits to be adopted.'),
  ];
}

async function runs() {
  const list = await ask('runs?limit=50');
  return [
    make('h2', {}, 'Last runs'),
    table('Runs', ['Run', 'Began', 'Because of', 'Revision', 'Came to', 'Summary'],
      list.runs.map((run) => [make('a', {href: '#/runs/' + run.id}, String(run.id)), age(run.started), run.trigger,
        make('code', {}, run.revision.slice(0, 12)), toned(run.outcome), run.summary]), 'There was none yet.'),
  ];
}

async function run(id) {
  const it = await ask('runs/' + encodeURIComponent(id));
  const diff = it.sections.flatMap((section) => [make('h3', {}, section.title),
    make('pre', {class: 'diff', tabindex: 0, 'aria-label': section.title}, section.lines.map((line) =>
      make('span', {class: line.style}, '  '.repeat(line.depth) + line.text)))]);
  return [
    make('h2', {}, 'Run ' + it.id),
    make('p', {}, toned(it.outcome), ' — ', it.trigger, ', ', age(it.started), ', revision ',
      make('code', {}, it.revision), it.summary ? ': ' + it.summary : ''),
    diff.length ? diff : [
      make('p', {class: 'dim'}, 'The differences themselves are kept while the service runs; these are the changes.'),
      table('Changes', ['Target', 'Kind', 'Name', 'Change', 'Came to'],
        it.changes.map((change) => [change.target, change.kind, make('code', {}, change.name), change.action,
          make('span', {}, toned(change.outcome), change.error ? ': ' + change.error : '')]), 'It changed nothing.')],
  ];
}

function login(problem) {
  const form = document.getElementById('login').content.firstElementChild.cloneNode(true);
  form.querySelector('.bad').textContent = problem;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem('token', form.querySelector('input').value.trim());
    show(true);
  });
  return [form];
}

// --- which page ----------------------------------------------------------------------------

function place() {
  const hash = location.hash.replace(/^#\/?/, '');
  const [path, query] = hash.split('?');
  return {parts: path.split('/').map(decodeURIComponent), query: new URLSearchParams(query || '')};
}

const PAGES = {
  '': (parts, query) => servers(query),
  servers: (parts, query) => parts[1] ? server(parts[1]) : servers(query),
  pending: () => pending(),
  runs: (parts) => parts[1] ? run(parts[1]) : runs(),
};

// Makes `old` what `fresh` is, and touches nothing that is so already: who reads, selects or has come
// somewhere by the keyboard stays where he is.
function update(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType === Node.TEXT_NODE && fresh.nodeType === Node.TEXT_NODE) {
    old.data = fresh.data;
    return;
  }
  if (old.nodeName !== fresh.nodeName || old.childNodes.length !== fresh.childNodes.length) {
    old.replaceWith(fresh);
    return;
  }
  for (const name of old.getAttributeNames()) {
    if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  }
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name));
  const children = [...fresh.childNodes];
  [...old.childNodes].forEach((child, i) => update(child, children[i]));
}

// The element that stands for one of an older content.
function same(element) {
  if (element.id) return document.getElementById(element.id);
  const href = element.getAttribute('href');
  return [...main.querySelectorAll(element.nodeName)].find((other) =>
    href ? other.getAttribute('href') === href : other.textContent === element.textContent);
}

function replace(content, moved) {
  const before = main.contains(document.activeElement) && document.activeElement !== main && document.activeElement;
  const caret = before && before.selectionStart;
  const nodes = content.flat(2).filter(Boolean);
  if (!moved && nodes.length === main.childNodes.length) {
    [...main.childNodes].forEach((old, i) => update(old, nodes[i]));
  } else {
    main.replaceChildren(...nodes);
  }
  if (before && main.contains(before)) return;
  const again = before && (!moved || before.id) && same(before);
  if (again) {
    again.focus({preventScroll: true});
    if (typeof caret === 'number' && again.setSelectionRange) again.setSelectionRange(caret, caret);
  } else if (moved) {
    main.focus({preventScroll: true});
    window.scrollTo(0, 0);
  }
}

async function header() {
  const status = await ask('status');
  const state = document.getElementById('state');
  const fresh = make('p', {}, status.revision ? 'revision ' : 'no revision yet',
    make('code', {}, (status.revision || '').slice(0, 12)),
    status.rejected ? make('span', {class: 'bad'}, ' the latest one is rejected') : '');
  // It is read out whenever it changes.
  if (state.textContent !== fresh.textContent) state.replaceChildren(...fresh.childNodes);
  document.getElementById('pending-count').textContent = status.pending ? `(${status.pending})` : '';
}

async function show(moved) {
  clearTimeout(timer);
  const mine = ++shown;
  const {parts, query} = place();
  const name = parts[0] === '' ? 'servers' : parts[0];
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.page === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  let content;
  let again = true;
  try {
    const page = PAGES[parts[0]];
    content = page ? await page(parts, query) : [make('p', {}, 'There is no such page.')];
    await header();
  } catch (problem) {
    again = !(problem instanceof NoToken);
    content = problem instanceof NoToken ? login(problem.message)
      : [make('p', {class: 'bad', role: 'alert'}, problem.message || 'The service does not answer.')];
  }
  if (mine !== shown) return;
  // A list that is being read is not moved under the reader's eyes: only its content changes.
  const scroll = window.scrollY;
  replace(content, moved);
  if (!moved) window.scrollTo(0, scroll);
  document.title = (parts[1] || parts[0] || 'servers') + ' · metalwright';
  if (again) timer = setTimeout(refresh, REFRESH_MS);
}

// A page that nobody sees asks nothing.
function refresh() {
  if (document.hidden) timer = setTimeout(refresh, REFRESH_MS);
  else show(false);
}

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();  // the address says which page it is
  main.focus();
});
window.addEventListener('hashchange', () => show(true));
document.addEventListener('keydown', (event) => {
  const typing = ['INPUT', 'SELECT', 'TEXTAREA'].includes(document.activeElement.tagName);
  const search = document.getElementById('search');
  if (event.key === '/' && search && !typing) {
    event.preventDefault();
    search.focus();
  }
});
show(false);
