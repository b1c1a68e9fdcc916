
"use strict";
// Everything that a model wrote is put in as text (textContent), never as HTML.
(() => {
  const byId = (id) => document.getElementById(id);

  const el = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);
  const svg = (name, attributes = {}, ...children) => filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

  function filled(made, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child != null && child !== "").map(visible));
    return made;
  }

  // Control characters, direction overrides and lone surrogates are shown as escapes.
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
  const spelled = (letter) => (letter === "\r" ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const visible = (child) => (typeof child === "string" ? child.replace(UNSEEN, spelled) : child);

  // --- light and dark --------------------------------------------------------------------------------

  const THEMES = ["auto", "light", "dark"];
  const stored = (name) => { try { return localStorage.getItem(`gemini-harness-${name}`); } catch { return null; } };
  const store = (name, value) => { try { localStorage.setItem(`gemini-harness-${name}`, value); } catch { /* storage is blocked: the setting is not kept */ } };

  function paint(theme) {
    document.documentElement.dataset.theme = theme;
    byId("theme").textContent = theme;
    byId("theme").setAttribute("aria-label", `theme: ${theme}`);
    store("theme", theme);
  }
  const turnTheme = () => paint(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % 3]);
  paint(THEMES.includes(stored("theme")) ? stored("theme") : "auto");
  byId("theme").addEventListener("click", turnTheme);

  // --- words -----------------------------------------------------------------------------------------

  function seconds(value) {
    const size = Math.abs(value);
    return size && size < 0.1 ? value.toFixed(3) : size < 10 ? value.toFixed(2) : value.toLocaleString("en", { maximumFractionDigits: 1 });
  }

  function measured(name, value) {
    if (value == null) return "-";
    if (name.endsWith("_s")) return seconds(value);
    return name === "cost_usd" ? dollars(value) : value.toLocaleString("en", { maximumFractionDigits: 1 });
  }

  // Two significant digits, and at least cents.
  const dollars = (value) => value.toFixed(value ? Math.min(Math.max(2, 1 - Math.floor(Math.log10(Math.abs(value)))), 100) : 2);

  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  // Long base64 data is shortened.
  const shortened = (_key, value) =>
    typeof value === "string" && value.length > 2000 && /^[\w+/=-]+$/.test(value)
      ? `${value.slice(0, 60)}... (${value.length.toLocaleString("en")} characters)` : value;

  const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g;

  function json(value) {
    const text = JSON.stringify(value, shortened, 2);
    if (text === undefined) return "";
    if (text.length > 200000) return text;
    const made = document.createDocumentFragment();
    let at = 0;
    for (const found of text.matchAll(TOKEN)) {
      made.append(text.slice(at, found.index));
      const kind = found[1] ? (found[2] ? "key" : "str") : "num";
      made.append(el("span", { class: kind }, found[1] || found[0]), found[2] || "");
      at = found.index + found[0].length;
    }
    made.append(text.slice(at));
    return made;
  }

  const plain = (value) => (typeof value === "string" ? value : json(value));

  // --- word differences between two texts --------------------------------------------------------------

  const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}_]+|\s+|[^]/gu;
  const LONGEST = 200000, CHANGES = 600, ALIKE = 0.3;

  // The pieces of two lists of words: [kept on both sides, text]. Myers' greedy algorithm ("An O(ND) difference algorithm", 1986)
  // between the common beginning and end; with too many changes, everything between counts as changed.
  function pieces(expected, actual) {
    let start = 0, end = 0;
    while (start < expected.length && start < actual.length && expected[start] === actual[start]) start++;
    while (end < expected.length - start && end < actual.length - start && expected[expected.length - 1 - end] === actual[actual.length - 1 - end]) end++;
    const [a, b] = [expected.slice(start, expected.length - end), actual.slice(start, actual.length - end)];
    const kept = matches(a, b);
    const side = (words, which, offset) => {
      const same = new Set(kept.map((pair) => pair[which]));
      return words.map((word, at) => [at < start || at >= words.length - end || same.has(at - offset), word]);
    };
    return [side(expected, 0, start), side(actual, 1, start)];
  }

  // The positions [in a, in b] of the common words. ``reach``: the furthest position in a on each diagonal k = x - y.
  function matches(a, b) {
    const trace = [];
    let reach = new Map([[1, 0]]);
    for (let d = 0; d <= Math.min(a.length + b.length, CHANGES); d++) {
      trace.push(reach);
      const next = new Map();
      for (let k = -d; k <= d; k += 2) {
        let x = entered(reach, d, k)[1];
        while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
        next.set(k, x);
        if (x >= a.length && x - k >= b.length) return walked(trace, k, x);
      }
      reach = next;
    }
    return [];
  }

  // The diagonal that the d-th change comes from to reach diagonal k, and its end: a word of b is inserted, or one of a deleted.
  function entered(reach, d, k) {
    const puts = k === -d || (k !== d && reach.get(k - 1) < reach.get(k + 1));
    return puts ? [k + 1, reach.get(k + 1)] : [k - 1, reach.get(k - 1) + 1];
  }

  function walked(trace, k, x) {
    const kept = [];
    for (let d = trace.length - 1; d >= 0; d--) {
      const [from, turn] = entered(trace[d], d, k);
      for (; x > turn; x--) kept.push([x - 1, x - 1 - k]);
      k = from;
      x = trace[d].get(from);
    }
    return kept;
  }

  // Marks in two elements the words that the other does not have. Texts with little in common are not marked.
  function differ(before, after) {
    const texts = [before.textContent, after.textContent];
    if (texts[0] === texts[1] || texts.some((text) => !text || text.length > LONGEST)) return;
    const sides = pieces(...texts.map((text) => text.match(WORD)));
    const same = sides.map((side) => side.reduce((sum, [kept, word]) => sum + (kept ? word.trim().length : 0), 0));
    if (same.some((length, at) => length < ALIKE * texts[at].length)) return;
    [[before, "del"], [after, "ins"]].forEach(([element, mark], at) => element.replaceChildren(...gathered(sides[at], mark)));
  }

  function* gathered(side, mark) {
    for (let at = 0; at < side.length;) {
      const [kept] = side[at];
      let text = "";
      for (; at < side.length && side[at][0] === kept; at++) text += side[at][1];
      yield kept ? document.createTextNode(text) : el(mark, {}, text);
    }
  }

  // Open everything that is folded before printing.
  const unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded.push(...document.querySelectorAll("main details:not([open])"));
    for (const part of unfolded) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of unfolded.splice(0)) part.open = false; });

  // Elements that scroll can be focused with the Tab key.
  const sizes = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      if (target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  const reachable = (inside) => { for (const part of inside.querySelectorAll(".wide, pre, figure")) sizes.observe(part); };
  reachable(document);

  const later = window.requestIdleCallback || ((work) => setTimeout(work, 50));
  const unmarked = [...document.querySelectorAll("main .pair")];
  function markSome() {
    for (const pair of unmarked.splice(0, 5)) {
      const texts = pair.querySelectorAll("pre");
      if (texts.length === 2) differ(...texts);
    }
    if (unmarked.length) later(markSome);
  }
  later(markSome);

  // --- keyboard shortcuts ----------------------------------------------------------------------------

  const help = el("dialog", { id: "keys", "aria-labelledby": "keys-title" },
    el("h2", { id: "keys-title" }, "keys"),
    el("dl", {}, ...[
      [["j", "k"], "next, previous trial (arrows too, in the list)"], [["n", "p"], "next, previous trial that went wrong"],
      [["g", "G"], "first, last"], [["Enter"], "open"], [["Esc"], "close"], [["/"], "filter"],
      [["t"], "theme: auto, light, dark"], [["?"], "this"],
    ].flatMap(([keys, meaning]) => [el("dt", {}, ...keys.flatMap((key) => [el("kbd", {}, key), " "])), el("dd", {}, meaning)])),
    el("p", { class: "about" }, "A filter is words that must all occur in a trial's id, status or reason; -word must not."),
    el("p", { class: "tools" },
      el("label", {}, el("input", { type: "checkbox", id: "letters", checked: stored("letters") !== "off",
        onchange: (event) => store("letters", event.target.checked ? "on" : "off") }), " letters and signs act at once"),
      el("button", { type: "button", onclick: () => help.close() }, "close")));
  document.body.append(help);
  byId("help").addEventListener("click", () => help.showModal());

  const keys = { "?": () => help.showModal(), t: turnTheme, "/": () => (byId("filter") || byId("cells-filter"))?.focus() };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = event.target.matches("input[type=search]");
    if (typing && !["Escape", "Enter", "ArrowDown"].includes(event.key)) return;
    if (!typing && event.key.length === 1 && !byId("letters").checked) return;
    const act = keys[event.key];
    if (act && act(event, typing) !== false) event.preventDefault();
  });

  const wanted = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return (hay) => words.every((word) => (word.length > 1 && word[0] === "-" ? !hay.includes(word.slice(1)) : hay.includes(word)));
  };

  // --- the address -----------------------------------------------------------------------------------

  // It keeps what is chosen, as in #filter=words&status=failed,error&sort=-latency_s&trial=ID.
  const chosen = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

  function choice(name, value) {
    if (value === (chosen.get(name) ?? "")) return;
    if (value) chosen.set(name, value);
    else chosen.delete(name);
    try { history.replaceState(null, "", String(chosen) ? `#${chosen}` : location.pathname + location.search); } catch { /* a page without an address cannot have a fragment */ }
  }

  // Calls `follow` now and whenever the address names other choices. An anchor of the page names none.
  function following(follow) {
    follow();
    addEventListener("hashchange", () => {
      if (!location.hash.includes("=")) return;
      for (const name of [...chosen.keys()]) chosen.delete(name);
      for (const [name, value] of new URLSearchParams(location.hash.slice(1))) chosen.set(name, value);
      follow();
    });
  }

  // --- tables in a narrow window ---------------------------------------------------------------------

  // A table that is wider than a narrow window becomes a list: each cell with the name of its column. A matrix scrolls.
  const tight = matchMedia("(max-width: 480px)");

  function stack() {
    for (const table of document.querySelectorAll(".wide > table:not(.matrix)")) {
      const names = table.tHead.rows.length === 1 ? [...table.tHead.rows[0].cells].map((cell) => cell.textContent) : [];
      table.classList.remove("stacked");
      if (!tight.matches || !names.length || table.offsetWidth <= table.parentElement.clientWidth) continue;
      table.classList.add("stacked");
      for (const cell of table.querySelectorAll("td:not([colspan])")) cell.dataset.name = names[cell.cellIndex] ?? "";
    }
  }

  stack();
  tight.addEventListener("change", stack);

  const matrix = document.querySelector(".matrix"), listed = document.querySelector("table[data-filter]");
  matrix?.closest("section").querySelector("h2").after(el("p", { class: "about" }, "Measures are medians of the attempts. A cell opens its trials."));
  if (listed) cells(listed);
  if (byId("facts")) trials();

  // --- a table with a filter -------------------------------------------------------------------------

  function cells(table) {
    const { filter, only } = table.dataset;
    table.parentElement.before(el("p", { class: "tools" },
      el("span", { class: "filtering" }, el("input", { type: "search", id: "cells-filter", placeholder: "filter  /", "aria-label": `filter ${filter}` }), el("output", { id: "cells-shown" })),
      only ? el("label", {}, el("input", { type: "checkbox", id: "differing" }), ` ${only}`) : null));
    const rows = [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
    const show = () => {
      const holds = wanted(byId("cells-filter").value);
      let shown = 0;
      for (const [row, hay] of rows) {
        row.hidden = !holds(hay) || (byId("differing")?.checked && row.dataset.differs === undefined);
        shown += !row.hidden;
      }
      choice("cells", byId("cells-filter").value.trim());
      choice("differing", byId("differing")?.checked ? "yes" : "");
      byId("cells-shown").textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
    };
    byId("cells-filter").addEventListener("input", show);
    byId("differing")?.addEventListener("change", show);
    keys.Escape = () => { byId("cells-filter").blur(); };
    following(() => {
      byId("cells-filter").value = chosen.get("cells") ?? "";
      if (byId("differing")) byId("differing").checked = chosen.get("differing") === "yes";
      show();
    });
  }

  // --- the trials of a run ---------------------------------------------------------------------------

  function trials() {
    const SPARE = 12, LAID_OUT = 50000, WRONG = ["failed", "error", "xpassed"];
    const narrow = matchMedia("(max-width: 480px)");
    const height = () => (narrow.matches ? 46 : 26); // of a row in pixels: two lines in a narrow window, as in page.css
    const facts = JSON.parse(byId("facts").textContent);
    const blocks = new Map();
    const state = { text: "", statuses: new Set(), sort: null, down: true, at: -1, open: false };

    const all = [];
    for (const script of document.querySelectorAll("script[data-index]")) {
      for (const [group, attempt, status, simulated, why, measures] of JSON.parse(script.textContent)) {
        const [id, suite, name, target, axes, , , side = "", pair = group] = facts.groups[group];
        const named = side === target || axes.split(" ").includes(side); // the name of the side is the swept value
        all.push({ n: all.length, group, pair, side, attempt, status: facts.statuses[status], mark: facts.marks[status], simulated, why, measures,
          id: `${side && `${side}: `}${id}#${attempt}`, suite, name, target, axes: named ? axes : `${side} ${axes}`.trim() });
      }
    }
    const places = new Map();
    for (const trial of all) {
      if (!places.has(trial.pair)) places.set(trial.pair, []);
      places.get(trial.pair).push(trial);
    }
    const hay = (trial) => (trial.hay ??= `${trial.id} ${trial.status} ${trial.mark} ${trial.axes} ${trial.why}`.toLowerCase());
    const columns = facts.columns.map(([name, label], index) => ({ name, label, index }))
      .filter(({ name, index }) => name === "latency_s" || all.some((trial) => trial.measures[index] != null));
    let shown = all;

    // the list: only visible rows are in the document
    const filter = el("input", { type: "search", id: "filter", placeholder: "filter  /", "aria-label": "filter trials", spellcheck: "false" });
    const counted = el("output", { "aria-live": "polite" });
    const chips = facts.statuses.filter((status) => all.some((trial) => trial.status === status)).map((status) =>
      el("button", { type: "button", class: `chip ${status}`, "aria-pressed": "false", "data-status": status, onclick: chip },
        `${facts.marks[facts.statuses.indexOf(status)]} ${all.filter((trial) => trial.status === status).length.toLocaleString("en")}`));
    const head = el("div", { class: "columns" },
      ...[["verdict", "status"], ["case", "id"], ["axes", "axes"], ["target", "target"], ["#", "attempt"]].map(([label, sort]) => sorter(label, sort)),
      ...columns.map(({ label, index }) => el("span", { class: "n num-cell" }, sorter(label, index))), el("span", { class: "why-cell" }, "why"));
    const rows = el("div", { class: "rows", id: "rows", role: "listbox", tabindex: "0", "aria-label": "trials" });
    const none = el("p", { class: "none-found" }, "no trial is like that");
    byId("list").append(el("div", { class: "sticky" }, el("div", { class: "tools" }, filter, ...chips, counted,
      el("small", { class: "hint" }, el("kbd", {}, "j"), " ", el("kbd", {}, "k"), " ", el("kbd", {}, "Enter"), "; all keys: ", el("kbd", {}, "?"))), head), rows, none);
    const widest = Math.max(...all.map(({ axes }) => axes.length));
    byId("list").style.setProperty("--numbers", `repeat(${columns.length}, 66px)`);
    byId("list").style.setProperty("--axes", widest ? `minmax(0, min(${Math.ceil(widest * 7.5)}px, 20%))` : "0px");
    const providers = new Set(facts.groups.map(([, , , target]) => target.split("/")[0]));
    const short = (target) => (providers.size > 1 ? target : target.slice(target.indexOf("/") + 1));

    function sorter(label, by) {
      return el("button", { type: "button", "data-sort": by, onclick: () => {
        state.down = state.sort === by ? !state.down : typeof by === "number";
        state.sort = by;
        choose();
      } }, label);
    }

    function chip(event) {
      const { status } = event.currentTarget.dataset;
      state.statuses.has(status) ? state.statuses.delete(status) : state.statuses.add(status);
      choose();
    }

    const sorted = () => (state.sort === null ? "" : `${state.down ? "-" : ""}${typeof state.sort === "number" ? facts.columns[state.sort][0] : state.sort}`);

    function choose() {
      choice("filter", state.text);
      choice("status", [...state.statuses].join());
      choice("sort", sorted());
      const picked = shown[state.at];
      const holds = wanted(state.text);
      shown = all.filter((trial) => (!state.statuses.size || state.statuses.has(trial.status)) && (!state.text || holds(hay(trial))));
      if (state.sort !== null) shown.sort(order);
      for (const button of chips) button.setAttribute("aria-pressed", state.statuses.has(button.dataset.status));
      for (const button of head.querySelectorAll("button")) {
        const by = button.dataset.sort === String(state.sort);
        button.dataset.order = by ? (state.down ? "descending" : "ascending") : "";
        button.setAttribute("aria-label", `${button.textContent}: ${by ? `sorted, ${button.dataset.order}` : "sort"}`);
      }
      counted.textContent = shown.length === all.length ? count(all.length, "trial") : `${shown.length.toLocaleString("en")} of ${count(all.length, "trial")}`;
      state.at = picked ? shown.indexOf(picked) : -1;
      none.hidden = shown.length > 0;
      rows.style.height = `${shown.length * height()}px`;
      const above = rows.getBoundingClientRect().top - covered();
      if (above < 0) scrollBy(0, above);
      if (above < 0 && state.at >= 0) reveal();
      else draw();
    }

    // The height of the bars at the top.
    function covered() { return document.querySelector(".sticky").offsetHeight + document.querySelector(".top").offsetHeight; }

    function order(first, second) {
      const by = state.sort, sign = state.down ? -1 : 1;
      if (typeof by !== "number") return sign * (first[by] < second[by] ? -1 : first[by] > second[by] ? 1 : first.n - second.n);
      const a = first.measures[by], b = second.measures[by];
      return a == null || b == null ? (a == null) - (b == null) : sign * (a - b);
    }

    function draw(everything = false) {
      rows.style.height = `${shown.length * height()}px`;
      const top = rows.getBoundingClientRect().top;
      const first = everything ? 0 : Math.max(0, Math.floor(-top / height()) - SPARE);
      const last = everything ? 1000 : Math.ceil((innerHeight - top) / height()) + SPARE;
      rows.replaceChildren(...shown.slice(first, Math.max(first, last)).map((trial, index) => line(trial, first + index)));
      if (byId(`line-${state.at}`)) rows.setAttribute("aria-activedescendant", `line-${state.at}`);
      else rows.removeAttribute("aria-activedescendant");
    }

    function line(trial, at) {
      const made = el("div", { class: "line", id: `line-${at}`, role: "option", "aria-selected": String(at === state.at),
        "aria-setsize": shown.length, "aria-posinset": at + 1, onclick: () => { pick(at); open(); } },
      el("span", { class: `mark ${trial.status}` }, trial.mark), el("span", { title: trial.id }, el("span", { class: "soft" }, `${trial.suite}/`), trial.name),
      el("span", { title: trial.axes }, trial.axes), el("span", { class: "soft", title: trial.target }, short(trial.target)),
      el("span", { class: "soft" }, `#${trial.attempt}`),
      ...columns.map(({ name, index }) => el("span", { class: "n mono num-cell" }, measured(name, trial.measures[index]))),
      el("span", { class: "soft why-cell", title: trial.why }, trial.why));
      made.style.top = `${at * height()}px`;
      return made;
    }

    let drawing = false;
    const redraw = () => {
      if (!drawing) requestAnimationFrame(() => { drawing = false; draw(); });
      drawing = true;
    };
    rows.addEventListener("focus", () => { if (state.at >= 0) reveal(); });
    addEventListener("scroll", redraw, { passive: true });
    addEventListener("resize", redraw);
    addEventListener("beforeprint", () => draw(true));
    addEventListener("afterprint", () => draw());
    filter.addEventListener("input", () => { state.text = filter.value.trim(); choose(); });

    function pick(at) {
      if (!shown.length) return;
      state.at = Math.min(Math.max(at, 0), shown.length - 1);
      reveal();
      if (state.open) { state.anchor = null; open(); }
    }

    function reveal() {
      const sticky = covered();
      const top = rows.getBoundingClientRect().top + state.at * height();
      const far = top < sticky - 3 * height() || top > innerHeight + 3 * height();
      if (far) scrollBy(0, top - sticky - (innerHeight - sticky) / 3);
      else if (top < sticky) scrollBy(0, top - sticky);
      else if (top + height() > innerHeight) scrollBy(0, top + height() - innerHeight + 8);
      draw();
    }

    // The panel narrows the page: keep the active row where it was.
    function keeping(anchor, change) {
      const before = anchor?.getBoundingClientRect().top;
      change();
      if (anchor) scrollBy(0, anchor.getBoundingClientRect().top - before);
      else if (state.at >= 0) reveal();
    }

    function pickWrong(step) {
      for (let at = state.at + step; at >= 0 && at < shown.length; at += step) {
        if (WRONG.includes(shown[at].status)) return pick(at);
      }
    }

    // one trial
    const panel = el("aside", { id: "trial", tabindex: "-1", hidden: true, "aria-label": "trial" });
    document.body.append(panel);

    function detail(trial) {
      const number = Math.floor(trial.n / facts.block);
      if (!blocks.has(number)) {
        if (blocks.size > 8) blocks.clear();
        blocks.set(number, JSON.parse(byId(`details-${number}`).textContent));
      }
      return blocks.get(number)[trial.n % facts.block];
    }

    // If the panel covers the page, the focus must stay in it.
    const covering = matchMedia("(max-width: 760px)");
    const apart = () => { document.querySelector("main").inert = state.open && covering.matches; };
    covering.addEventListener("change", apart);

    function open(trial = shown[state.at], anchor = null) {
      if (!trial) return;
      state.open = true;
      if (panel.hidden) {
        state.anchor = anchor;
        keeping(anchor, () => { document.body.classList.add("reading"); panel.hidden = false; });
      }
      apart();
      panel.replaceChildren(bar(trial), ...view(trial, detail(trial)));
      panel.scrollTop = 0;
      reachable(panel);
      if (document.querySelector("main").inert) panel.focus({ preventScroll: true });
      choice("trial", trial.id);
      draw();
    }

    // Opens a trial; it is also selected in the list, if the filter shows it.
    function openTrial(trial, anchor = null) {
      state.at = shown.indexOf(trial);
      open(trial, anchor);
    }

    function close() {
      state.open = false;
      keeping(state.anchor, () => { panel.hidden = true; document.body.classList.remove("reading"); });
      apart();
      choice("trial", "");
      draw();
      (state.anchor || rows).focus({ preventScroll: true });
    }

    function bar(trial) {
      return el("div", { class: "bar" }, el("b", { class: `mark ${trial.status}` }, trial.mark), el("h2", { class: "id" }, trial.id),
        el("button", { type: "button", title: "previous (k)", "aria-label": "previous", onclick: () => pick(state.at - 1) }, "\u2191"),
        el("button", { type: "button", title: "next (j)", "aria-label": "next", onclick: () => pick(state.at + 1) }, "\u2193"),
        el("button", { type: "button", title: "close (Esc)", "aria-label": "close", onclick: close }, "\u2715"));
    }

    function* view(trial, row) {
      const [, , , , axes, place, rerun] = facts.groups[trial.group];
      const attempts = places.get(trial.pair);
      if (trial.simulated) yield el("p", { class: "simulated" }, el("strong", {}, "SIMULATED"), " made up by the simulator, not by a Gemini model");
      if (attempts.length > 1) {
        yield el("div", { class: "attempts" }, ...attempts.map((attempt) => el("button", { type: "button", class: `mark ${attempt.status}`,
          "aria-current": attempt === trial ? "true" : null, onclick: () => openTrial(attempt) }, `${attempt.side} #${attempt.attempt} ${attempt.mark}`.trim())));
      }
      if (!row) {
        yield el("p", { class: "about" }, "Requests and responses are left out of this file: it keeps them for the first trials and for those that failed. The run on disk has all of them.");
        return;
      }
      const provenance = row.provenance;
      yield list({
        side: trial.side, case: place, target: trial.target, axes, cassette: row.cassette,
        answer: provenance && `${provenance.mode === "live" ? "live from" : "replayed; recorded from"} ${provenance.recorded_from}${provenance.recorded_at ? `, ${provenance.recorded_at.slice(0, 19).replace("T", " ")}` : ""}${provenance.timing === "lost" ? "; timing lost" : ""}`,
        "expected to fail": row.xfail, skipped: row.skip, "cost unknown": row.unpriced, again: rerun,
      });
      if (row.error) {
        yield el("h3", { class: "error" }, "could not be judged", el("small", {}, row.error.kind));
        yield el("pre", {}, row.error.message);
        if (row.error.traceback) yield fold("traceback", el("pre", {}, row.error.traceback));
      }
      yield el("h3", {}, "verdicts", el("small", {}, count(row.invariants_passed, "invariant"), " passed"));
      yield verdicts(row.verdicts);
      const known = Object.entries(row.measures).filter(([, value]) => value != null);
      if (known.length) {
        yield el("h3", {}, "measures");
        yield el("div", { class: "measures" }, ...known.map(([name, value]) => el("span", {}, `${facts.labels[name] || name} `, el("b", {}, measured(name, value)))));
      }
      for (const [index, turn] of row.turns.entries()) yield* exchange(turn, index, row, trial);
    }

    function list(fields) {
      return el("dl", { class: "facts" }, ...Object.entries(fields).filter(([, value]) => value)
        .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    }

    const fold = (title, ...inside) => el("details", {}, el("summary", {}, title), ...inside);

    function verdicts(judged) {
      const rank = (verdict) => (verdict.status === "passed" ? 3 : verdict.status === "waived" ? 2 : verdict.severity === "warn" ? 1 : 0);
      return el("table", { class: "verdicts" }, el("caption", { class: "unseen" }, "verdicts"), el("tbody", {}, ...[...judged].sort((a, b) => rank(a) - rank(b)).map(verdict)));
    }

    const KINDS = { passed: ["pass", "passed"], waived: ["waived", "waived"], failed: ["FAIL", "failed"], error: ["ERROR", "error"] };

    function verdict(found) {
      const [mark, kind] = found.severity === "warn" && found.status === "failed" ? ["warn", "warned"] : KINDS[found.status];
      const at = found.at && found.at !== found.check ? ` ${found.at}` : "";
      const where = found.place ? el("small", {}, ` ${found.place.file}:${found.place.line}`) : "";
      const why = found.reason ? el("small", {}, ` ${found.reason}`) : "";
      const text = el("td", {}, el("b", {}, found.check + at), why, where);
      if (found.status === "passed") { if (found.expected != null) text.append(" ", el("code", {}, brief(found.expected))); }
      else {
        if (found.message && !/^expected [^]*, got /.test(found.message)) text.append(el("div", {}, found.message));
        if (found.expected != null || found.actual != null) {
          const pair = el("div", { class: "pair" }, ...["expected", "actual"].map((name) =>
            el("div", {}, el("small", {}, name), ...long("", plain(found[name]), (some) => [some]))));
          text.append(pair);
          differ(...pair.querySelectorAll("pre"));
        }
      }
      return el("tr", {}, el("td", {}, el("span", { class: `mark ${kind}` }, mark)), text);
    }

    function brief(value) {
      const text = JSON.stringify(value);
      return text.length > 200 ? `${text.slice(0, 200)}...` : text;
    }

    // one request and its answer
    function* exchange(turn, index, row, trial) {
      const candidate = turn.response?.candidates?.[0] || {};
      const parts = Array.isArray(candidate.content?.parts) ? candidate.content.parts.filter((part) => part && typeof part === "object") : [];
      const joined = (thought) => parts.filter((part) => Boolean(part.thought) === thought).map((part) => (typeof part.text === "string" ? part.text : "")).join("");
      const text = turn.text ?? joined(false), thoughts = turn.thoughts ?? joined(true);
      const tries = turn.attempts > 1 ? `, ${turn.attempts} attempts` : "";
      yield el("h3", {}, row.turns.length > 1 ? `request ${index + 1} of ${row.turns.length}` : "request",
        el("small", {}, `${turn.transport}, HTTP ${turn.status}${tries}${candidate.finishReason ? `, ${candidate.finishReason}` : ""}`));
      const request = parsed(turn.request);
      yield fold(`POST ${turn.url}`, el("pre", {}, plain(request)));
      yield fold("curl", copied(curl(turn, trial)));
      if (thoughts) yield fold(`thoughts, ${count(Array.from(thoughts).length, "character")}`, ...long("prose", thoughts, (some) => [some]));
      if (text) {
        yield el("h3", {}, "answer", el("small", {}, count(Array.from(text).length, "character")));
        yield* long("prose answer", text, (some) => answer(some, turn.grounded || []));
      }
      yield* sources(candidate.groundingMetadata, turn.grounded || []);
      for (const part of parts) yield* other(part);
      if (turn.response?.error) { yield el("h3", { class: "error" }, "error"); yield el("pre", {}, json(turn.response.error)); }
      if (turn.body) { yield el("h3", { class: "error" }, "the body begins"); yield el("pre", {}, turn.body); }
      yield* timeline(turn, row);
      const whole = fold("response");
      whole.addEventListener("toggle", () => {
        whole.append(...long("", json(turn.response), (some) => [some]));
        reachable(whole);
      }, { once: true });
      yield whole;
    }

    // A text that takes the browser seconds to lay out is cut, with a button that shows all of it.
    function* long(name, text, parts) {
      const shownText = el("pre", { class: name, dir: "auto" });
      const cut = typeof text === "string" && text.length > LAID_OUT;
      shownText.append(...[...parts(cut ? text.slice(0, LAID_OUT) : text)].map(visible));
      yield shownText;
      if (cut) {
        const more = el("button", { type: "button", onclick: () => { shownText.replaceChildren(...[...parts(text)].map(visible)); more.remove(); } },
          `the first ${LAID_OUT.toLocaleString("en")} of ${count(text.length, "character")}: show all`);
        yield more;
      }
    }

    function parsed(text) { try { return JSON.parse(text); } catch { return text; } }

    // The answer in pieces between the borders of supports; each piece has the supports that cover it. Offsets count code points.
    function* answer(text, supports) {
      const letters = Array.from(text);
      const held = supports.filter(([start, end]) => start < end);
      const borders = [...new Set([0, letters.length, ...held.flatMap(([start, end]) => [start, end])])].filter((at) => at <= letters.length).sort((a, b) => a - b);
      for (let i = 0; i + 1 < borders.length; i++) {
        const [from, to] = [borders[i], borders[i + 1]];
        const over = held.filter(([start, end]) => start <= from && to <= end);
        const piece = letters.slice(from, to).join("");
        if (!over.length) yield document.createTextNode(visible(piece));
        else {
          const astray = over.some(([, , , exact]) => !exact);
          yield el("mark", { class: astray ? "astray" : "", "data-sources": over.flatMap((support) => support[2]).join(" "),
            title: astray ? "the byte offsets do not cut the words that this support claims" : `source ${over.flatMap((support) => support[2]).map((n) => n + 1).join(", ")}` }, piece);
        }
        const ending = [...new Set(over.filter(([, end]) => end === to).flatMap((support) => support[2]))];
        if (ending.length) yield el("sup", {}, ending.map((n) => n + 1).join(","));
      }
    }

    function* sources(metadata, supports) {
      const chunks = Array.isArray(metadata?.groundingChunks) ? metadata.groundingChunks : [];
      if (!chunks.length) return;
      const queries = Array.isArray(metadata.webSearchQueries) ? metadata.webSearchQueries.filter((query) => typeof query === "string") : [];
      yield el("h3", {}, "sources", el("small", {}, queries.length ? `searched: ${queries.join(" \u00b7 ")}` : `${supports.length} supports`));
      yield el("ol", { class: "sources" }, ...chunks.map((chunk, index) => {
        const source = Object.values(chunk || {}).find((value) => value && typeof value === "object") || {};
        const uri = String(source.uri || source.sourceUri || ""), title = String(source.title || uri || "no title");
        const shownAs = /^https?:\/\//i.test(uri) ? el("a", { href: uri, target: "_blank", rel: "noopener noreferrer", title: uri }, title) : `${title} ${uri === title ? "" : uri}`;
        return el("li", { onmouseenter: () => light(index, true), onmouseleave: () => light(index, false) }, el("b", {}, String(index + 1)), shownAs);
      }));
    }

    function light(index, on) {
      for (const piece of panel.querySelectorAll("mark")) {
        if (piece.dataset.sources.split(" ").includes(String(index))) piece.classList.toggle("lit", on);
      }
    }

    function* other(part) {
      const { text, thought, thoughtSignature, ...rest } = part;
      if (!Object.keys(rest).length) return;
      const blob = rest.inlineData;
      yield el("h3", {}, Object.keys(rest)[0], el("small", {}, [blob ? String(blob.mimeType) : "", thought ? "a thought, no part of the answer" : ""].filter(Boolean).join(", ")));
      if (blob && typeof blob.data === "string" && /^image\/(png|jpeg|webp|gif)$/.test(blob.mimeType)) {
        yield el("img", { class: "picture", alt: thought ? "draft among the thoughts" : "image in the answer", src: `data:${blob.mimeType};base64,${blob.data.replace(/-/g, "+").replace(/_/g, "/")}` });
      } else if (typeof rest.executableCode?.code === "string") yield el("pre", {}, rest.executableCode.code);
      else yield el("pre", {}, json(rest));
    }

    function* timeline(turn, row) {
      const times = (turn.times || []).filter((at) => at != null);
      if (!times.length) { if ((turn.times || []).length) yield el("p", { class: "about" }, "When it arrived was lost in this recording."); return; }
      const last = Math.max(...times), gaps = times.slice(1).map((at, index) => at - times[index]);
      if (turn.transport !== "stream") { yield el("h3", {}, "time", el("small", {}, `one answer after ${seconds(last)} s`)); return; }
      yield el("h3", {}, "stream", el("small", {}, `${count(times.length, "event")}, first ${seconds(times[0])} s, last ${seconds(last)} s${gaps.length ? `, longest gap ${seconds(Math.max(...gaps))} s` : ""}`));
      const width = 700, x = (at) => 6 + (at / (last || 1)) * (width - 40);
      const picture = svg("svg", { viewBox: `0 0 ${width} 46`, class: "timeline", role: "img", "aria-label": "when each event arrived" },
        svg("line", { x1: 6, x2: width - 34, y1: 28, y2: 28, class: "axis" }));
      for (const at of times) picture.append(svg("line", { x1: x(at), x2: x(at), y1: 12, y2: 28 }));
      const ttft = row.turns.length === 1 ? row.measures.ttft_s : null;
      if (ttft != null) picture.append(svg("line", { x1: x(ttft), x2: x(ttft), y1: 2, y2: 28, class: "first" }), svg("text", { x: x(ttft) + 4, y: 9 }, "first text"));
      for (const share of [0, 0.25, 0.5, 0.75, 1]) picture.append(svg("text", { x: x(last * share), y: 42, "text-anchor": share ? "middle" : "start" }, `${seconds(last * share)}${share === 1 ? " s" : ""}`));
      yield picture;
    }

    const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

    function curl(turn, trial) {
      const key = facts.keys[trial.target];
      const lines = [`curl ${quoted(turn.url)}`, "-H 'content-type: application/json'"];
      if (key) lines.push(`-H "${key}"`);
      if (turn.transport === "stream") lines.push("--no-buffer");
      lines.push(`--data-raw ${quoted(turn.request)}`);
      const note = turn.url.startsWith("http://simulator.invalid") ? "# simulator.invalid stands for the simulator; `gemini-harness simulate` says where it serves\n" : "";
      return note + lines.join(" \\\n  ");
    }

    function copied(text) {
      const shownText = el("pre", {}, text);
      const button = el("button", { type: "button", onclick: async () => {
        try { await navigator.clipboard.writeText(text); button.textContent = "copied"; }
        catch { getSelection().selectAllChildren(shownText); button.textContent = "selected"; }
      } }, "copy");
      return el("div", {}, button, shownText);
    }

    // keys, cells, links
    const inList = () => document.activeElement === rows || document.activeElement === document.body;
    Object.assign(keys, {
      j: () => pick(state.at + 1), k: () => pick(state.at < 0 ? 0 : state.at - 1), n: () => pickWrong(1), p: () => pickWrong(-1),
      g: () => pick(0), G: () => pick(shown.length - 1),
      ArrowDown: (_event, typing) => {
        if (typing) rows.focus();
        return typing || (inList() && state.at >= 0) || document.activeElement === rows ? pick(state.at + 1) : false;
      },
      ArrowUp: () => ((inList() && state.at >= 0) || document.activeElement === rows ? pick(state.at - 1) : false),
      Enter: (_event, typing) => {
        if (typing) { rows.focus(); if (state.at < 0) pick(0); }
        else if (!inList() && document.activeElement !== panel) return false;
        if (state.at < 0) return false;
        open();
        panel.focus({ preventScroll: true });
      },
      Escape: (_event, typing) => {
        if (typing) { if (filter.value) { filter.value = state.text = ""; choose(); } else filter.blur(); }
        else if (state.open) close();
        else return false;
      },
    });

    document.addEventListener("click", (event) => {
      const cell = event.target.closest("[data-group], [data-trial]");
      if (!cell) return;
      const attempts = places.get(Number(cell.dataset.group)) || [];
      const trial = all[cell.dataset.trial] || attempts.find((attempt) => WRONG.includes(attempt.status)) || attempts[0];
      if (trial) { openTrial(trial, cell); panel.focus({ preventScroll: true }); }
    });

    following(() => {
      const [, minus, by] = /^(-?)(.*)$/.exec(chosen.get("sort") ?? ""), measure = facts.columns.findIndex(([name]) => name === by);
      const id = chosen.get("trial"), found = all.find((trial) => trial.id === id);
      filter.value = state.text = chosen.get("filter") ?? "";
      state.statuses = new Set(facts.statuses.filter((status) => (chosen.get("status") ?? "").split(",").includes(status)));
      state.sort = measure >= 0 ? measure : ["status", "id", "axes", "target", "attempt"].includes(by) ? by : null;
      state.down = state.sort === null || minus === "-";
      choose();
      if (found) openTrial(found);
    });
  }
})();
