// What HTML alone cannot do. Every page works without this file.

// Copying what is shown once.
for (const button of document.querySelectorAll('[data-copy]')) {
  const input = document.getElementById(button.dataset.copy);
  if (!input || !navigator.clipboard) continue;
  button.hidden = false;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(input.value);
      button.textContent = 'Copied';
    } catch {
      input.select();
      button.textContent = 'Press Ctrl+C';
    }
    setTimeout(() => (button.textContent = 'Copy'), 3000);
  });
}
for (const input of document.querySelectorAll('[data-select]')) {
  input.addEventListener('focus', () => input.select());
}

// Distances in time that go on while the page is open.
const UNITS = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];
const words = (seconds) => {
  const distance = Math.abs(seconds);
  if (distance < 5) return 'just now';
  const [unit, length] = UNITS.find(([, size]) => distance >= size);
  const count = Math.floor(distance / length);
  const told = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return seconds < 0 ? `in ${told}` : `${told} ago`;
};
const times = [...document.querySelectorAll('time[datetime]:not([data-still])')].map((element) => [element, Date.parse(element.dateTime)]);
setInterval(() => {
  for (const [element, at] of times) {
    const seconds = (Date.now() - at) / 1000;
    if (Math.abs(seconds) < 31 * 86400) element.textContent = words(seconds);
  }
}, 15_000);

// What is on its way is looked at again.
for (const element of document.querySelectorAll('[data-reload]')) {
  setTimeout(() => location.reload(), element.dataset.reload * 1000);
}

// A form is sent once, however often its button is pressed.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post' || 'again' in form.dataset) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = '1';
});
// Back in the browser: the form may be sent again.
window.addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// Lists that a choice narrows are narrowed at once.
for (const select of document.querySelectorAll('select[data-now]')) {
  select.addEventListener('change', () => select.form.requestSubmit());
}

// Ticking all rows of a page.
for (const all of document.querySelectorAll('[data-all]')) {
  all.hidden = false;
  const boxes = () => document.querySelectorAll(`input[name="${all.dataset.all}"]`);
  all.addEventListener('change', () => boxes().forEach((box) => (box.checked = all.checked)));
}

// Cells of a grid that are edited where they stand. What is sent is the form of the record's own page, with one field.
for (const cell of document.querySelectorAll('td[data-edit]')) {
  cell.tabIndex = 0;
  cell.addEventListener('dblclick', () => edit(cell));
  cell.addEventListener('keydown', (event) => {
    if (event.target !== cell || (event.key !== 'Enter' && event.key !== 'F2')) return;
    event.preventDefault();
    edit(cell);
  });
}
for (const hint of document.querySelectorAll('[data-hint]')) {
  hint.hidden = !document.querySelector('td[data-edit]');
}

function edit(cell) {
  if (cell.querySelector('input')) return;
  const before = cell.textContent;
  const column = cell.closest('table').rows[0].cells[cell.cellIndex].textContent.trim();
  const input = document.createElement('input');
  input.value = cell.dataset.value;
  input.setAttribute('aria-label', column);
  cell.replaceChildren(input);
  input.focus();
  input.select();
  let over = false;
  const end = (text) => {
    over = true;
    cell.textContent = text;
    cell.focus();
  };
  const save = async () => {
    if (over) return;
    if (input.value === cell.dataset.value) return end(before);
    over = true;
    const row = cell.closest('tr');
    const body = new URLSearchParams({ mark: row.parentElement.dataset.mark, [cell.dataset.edit]: input.value });
    const response = await fetch(row.dataset.save, { method: 'POST', body }).catch(() => undefined);
    const page = response && new DOMParser().parseFromString(await response.text(), 'text/html');
    if (!response?.ok || response.status !== 200) {
      over = false;
      input.setCustomValidity(page?.querySelector('[role=alert]')?.textContent ?? 'This could not be saved.');
      input.reportValidity();
      return;
    }
    cell.dataset.value = input.value;
    end(input.value);
  };
  input.addEventListener('input', () => input.setCustomValidity(''));
  input.addEventListener('blur', save);
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') end(before);
    if (event.key === 'Enter') {
      event.preventDefault();
      save();
    }
  });
}
