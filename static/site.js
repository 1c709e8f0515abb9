// Comforts only: every page does its whole work without this file.
(() => {
  const doc = document;
  const all = (selector, root = doc) => [...root.querySelectorAll(selector)];
  const one = (selector, root = doc) => (selector ? root.querySelector(selector) : null);

  // Status messages. A region is made when first needed, because an empty one is read out on every page,
  // and filled a moment later, because a region that arrives with its text may not be read at all.
  const region = (place, className) => {
    const p = doc.createElement('span');
    p.className = className;
    p.setAttribute('role', 'status');
    place(p);
    return p;
  };
  const put = (p, text) => {
    p.textContent = '';
    setTimeout(() => { p.textContent = text; }, 150);
  };
  let quiet;
  const say = text => {
    if (!text) return;
    quiet ??= region(p => (one('main') ?? doc.body).append(p), 'vh');
    put(quiet, text);
  };
  // The same beside a button, where everybody sees it.
  const beside = new Map();
  const show = (button, text) => {
    if (!text) return;
    if (!beside.has(button)) beside.set(button, region(p => button.parentElement.append(p), 'said'));
    put(beside.get(button), text);
  };

  // The outcome of the last action, or the list of errors, is where reading begins. Screen readers still read the page
  // for a moment after `load`: a focus that comes earlier is read twice or lost. Who has begun to type is not interrupted.
  addEventListener('load', () => setTimeout(() => {
    if (doc.activeElement === doc.body) one('[data-focus]')?.focus();
  }, 400));

  // A link in the list of errors goes into its field, and shows the field's label and error too.
  doc.addEventListener('click', event => {
    const link = event.target.closest?.('.note.bad a[href^="#"]');
    const field = link && doc.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    const more = field.closest('details');
    if (more) more.open = true;
    (field.closest('.field, fieldset') ?? field).scrollIntoView();
    field.focus({ preventScroll: true });
  });

  // Copy. Plain http has no clipboard object, so the older way must do there.
  for (const button of all('[data-copy]')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const source = one(button.dataset.copy);
      if (!source) return;
      let done = false;
      try {
        // Some browsers never answer, for example headless Chromium 148.
        const late = new Promise((_, refuse) => setTimeout(refuse, 1000));
        await Promise.race([navigator.clipboard.writeText(source.value ?? source.textContent), late]);
        done = true;
      } catch {
        source.focus();
        if (source.select) source.select();
        else getSelection().selectAllChildren(source);
        done = doc.execCommand('copy');
        if (done) button.focus();
      }
      show(button, done ? button.dataset.done : button.dataset.fail);
    });
  }

  // Show or hide what is typed into a password field. It is always sent as a password.
  for (const button of all('[data-reveal]')) {
    const field = one(button.dataset.reveal);
    if (!field) continue;
    const { show: shown, hide } = button.dataset;
    const name = button.getAttribute('aria-label');
    const set = on => {
      field.type = on ? 'text' : 'password';
      button.textContent = on ? hide : shown;
      if (name) button.setAttribute('aria-label', on ? name.replace(shown, hide) : name);
    };
    button.hidden = false;
    button.addEventListener('click', () => {
      const on = field.type === 'password';
      set(on);
      say(on ? button.dataset.shown : button.dataset.hidden);
    });
    field.form?.addEventListener('submit', () => set(false));
  }

  // Groups of fields that belong to a choice: [data-case] to values of the form's select[data-switch], with the text of
  // that attribute before them; [data-when] to a radio button. Those not in use are hidden, and disabled so that they are
  // not sent, unless [data-kept].
  const fits = group => {
    if (group.dataset.when) return doc.getElementById(group.dataset.when)?.checked ?? true;
    const choosers = all('select[data-switch]', group.closest('form') ?? doc);
    const chosen = choosers.map(chooser => chooser.dataset.switch + chooser.value);
    return !chosen.length || group.dataset.case.split(' ').some(value => chosen.includes(value));
  };
  const groups = all('[data-case], [data-when]');
  const arrange = () => {
    for (const group of groups) group.hidden = !fits(group);
    for (const group of groups) {
      for (const field of all('input, select, textarea, button', group)) {
        field.disabled = Boolean(field.parentElement.closest('[data-case][hidden]:not([data-kept]), [data-when][hidden]'));
      }
    }
    for (const chooser of all('select[data-switch=""]')) {
      const button = one('[data-switch-btn]', chooser.form);
      if (button) button.hidden = true;
      const name = one('[data-switch-name]', chooser.form);
      if (name) name.textContent = chooser.selectedOptions[0]?.text ?? '';
    }
  };
  let pause;
  doc.addEventListener('change', event => {
    if (event.target.matches('input[type=radio]')) arrange();
    if (!event.target.matches('select[data-switch]')) return;
    clearTimeout(pause);
    pause = setTimeout(() => {
      arrange();
      say(event.target.dataset.say?.replace('{}', event.target.selectedOptions[0].text));
    }, 150);
  });

  // A box that needs others ticks them; unticking one that others need unticks those.
  doc.addEventListener('change', event => {
    const box = event.target;
    const list = box.closest('[data-coupled]');
    if (!list) return;
    const needs = (one, other) => (one.dataset.needs ?? '').split(' ').includes(other.value);
    const on = box.checked;
    const moved = all('input', list).filter(other => other.checked !== on && (on ? needs(box, other) : needs(other, box)));
    for (const other of moved) other.checked = on;
    const names = moved.map(other => other.labels[0].textContent).join(', ');
    if (names) say((on ? list.dataset.ticked : list.dataset.unticked).replace('{}', names));
  });

  // How many rows are selected.
  for (const table of all('table[data-bulk]')) {
    const out = one(table.dataset.bulk);
    const count = () => {
      const n = all('tbody input[type=checkbox]:checked', table).length;
      if (out) out.textContent = n ? out.dataset.some.replace('{}', n) : out.dataset.none;
    };
    table.addEventListener('change', count);
    addEventListener('pageshow', count);
  }

  // A second press of a button within three seconds is ignored; leaving a form with unsaved edits asks first.
  const sent = new WeakMap();
  const edited = new Set(all('form[data-guard]').filter(form => form.dataset.guard || one('[aria-invalid=true]', form)));
  doc.addEventListener('submit', event => {
    const form = event.target;
    if (form.getAttribute('method')?.toLowerCase() !== 'post') return;
    if (Date.now() - (sent.get(form) ?? 0) < 3000) {
      event.preventDefault();
      return;
    }
    sent.set(form, Date.now());
    edited.delete(form);
    const wait = event.submitter?.dataset.wait;
    if (wait) show(event.submitter, wait);
  });
  doc.addEventListener('input', event => {
    const form = event.target.form;
    if (form?.matches('[data-guard]')) edited.add(form);
  });
  doc.addEventListener('click', event => {
    if (event.target.closest?.('a[data-discard]')) edited.clear();
  });
  addEventListener('beforeunload', event => {
    if (edited.size) event.preventDefault();
  });

  // What goes on in the background is fetched again until it has ended, and then said.
  const refresh = async () => {
    const shown = one('[data-refresh]');
    if (!shown) return;
    try {
      const response = await fetch(location.href);
      const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById(shown.id);
      if (response.redirected) location.reload();
      else if (fresh && 'refresh' in fresh.dataset) {
        // The focus stays where it is: nothing but figures changes.
        for (const part of all('[data-live]', shown)) {
          part.replaceWith(one(`[data-live="${part.dataset.live}"]`, fresh) ?? '');
        }
      } else if (fresh) {
        const hadFocus = shown.contains(doc.activeElement);
        shown.replaceWith(fresh);
        if (hadFocus) one('a', fresh)?.focus();
        say(one('[data-live]', fresh)?.textContent);
      }
    } catch {
      // The next time may succeed.
    }
    setTimeout(refresh, 2000);
  };
  if (one('[data-refresh]')) setTimeout(refresh, 2000);

  // An address that carries an answer behind its # is wiped and the answer sent on.
  const answer = one('form[data-fragment]');
  if (answer && location.hash.length > 1) {
    one(answer.dataset.fragment, answer).value = location.href;
    history.replaceState(null, '', location.pathname);
    answer.requestSubmit();
  }

  // What another site has posted is sent on.
  one('form[data-send]')?.requestSubmit();

  // Browsers put choices back after Back and Forward, and may show the page as it was left.
  arrange();
  addEventListener('pageshow', event => {
    arrange();
    if (!event.persisted) return;
    for (const p of beside.values()) p.textContent = '';
    edited.clear();
  });
})();
