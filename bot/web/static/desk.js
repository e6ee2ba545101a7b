// The desk works without this file. It puts times into the reader's own zone, counts down, and keeps what is shown up to date.
"use strict";
(() => {
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const local = (at, seconds) => {
    const sameDay = at.toDateString() === new Date().toDateString();
    const sameYear = at.getFullYear() === new Date().getFullYear();
    const clock = { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) };
    return new Intl.DateTimeFormat(undefined, sameDay ? clock : { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }), ...clock }).format(at);
  };
  const two = (n) => String(n).padStart(2, "0");
  const span = (s) =>
    s >= 2 * DAY ? `${Math.floor(s / DAY)} days`
    : s >= HOUR ? `${Math.floor(s / HOUR)} h ${two(Math.floor((s % HOUR) / MINUTE))} min`
    : `${Math.floor(s / MINUTE)}:${two(Math.floor(s % MINUTE))}`;
  const ago = (s) =>
    s < MINUTE ? "just now" : s < HOUR ? `${Math.floor(s / MINUTE)} min ago` : s < DAY ? `${Math.floor(s / HOUR)} h ago` : "";

  // The server's clock is the one that counts: how far this machine's clock is off is learnt from each answer.
  let offset = 0;
  const now = () => Date.now() + offset;

  const tick = () => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!time.title) time.title = time.textContent;
      const text = local(at, "seconds" in time.dataset);
      if (time.textContent !== text) time.textContent = text;
      const kind = time.dataset.clock;
      if (!kind) continue;
      let note = time.nextElementSibling;
      if (!note || !note.matches(".left, .ago")) {
        note = document.createElement("span");
        note.className = kind === "left" ? "left" : "ago";
        time.after(" ", note);
      }
      const seconds = (kind === "left" ? at - now() : now() - at) / 1000;
      const words = kind === "left" ? (seconds > 0 ? `${span(seconds)} left` : "time is up") : ago(Math.max(seconds, 0));
      if (note.textContent !== words) note.textContent = words;
      note.classList.toggle("soon", kind === "left" && seconds < 2 * MINUTE);
    }
  };

  // What a person is doing inside a region survives its replacement: typed text, focus, selection, open details, scroll.
  const keep = (region) => {
    const fields = [...region.querySelectorAll("textarea")].map((field) => [field.id, field.value, field.defaultValue]);
    const open = [...region.querySelectorAll("details")].map((part, index) => [index, part.open]);
    const active = region.contains(document.activeElement) ? document.activeElement : null;
    const caret = active && active.tagName === "TEXTAREA" ? [active.selectionStart, active.selectionEnd] : null;
    const scroll = region.scrollTop;
    return (next) => {
      const orphans = [];
      for (const [id, value, original] of fields) {
        const field = id && next.querySelector(`#${CSS.escape(id)}`);
        if (field) field.value = value;
        else if (value.trim() && value !== original) orphans.push(value);
      }
      next.querySelectorAll("details").forEach((part, index) => { if (open[index]) part.open = open[index][1] || part.open; });
      next.scrollTop = scroll;
      if (active && active.id) {
        const field = next.querySelector(`#${CSS.escape(active.id)}`);
        if (field) {
          field.focus({ preventScroll: true });
          if (caret) field.setSelectionRange(...caret);
        }
      }
      if (orphans.length) {
        const kept = document.createElement("p");
        kept.className = "effect";
        kept.textContent = `You were writing: ${orphans.join(" / ")}`;
        next.append(kept);
      }
    };
  };

  const drawn = new Map();
  const update = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const next of fresh.querySelectorAll("[data-live]")) {
      const region = document.getElementById(next.id);
      const source = next.outerHTML;
      if (!region || drawn.get(next.id) === source) continue;
      drawn.set(next.id, source);
      if (next.dataset.title) document.title = next.dataset.title;
      const restore = keep(region);
      region.replaceWith(document.adoptNode(next));
      restore(next);
    }
    tick();
  };

  const from = document.body.dataset.liveFrom;
  let tag = "";
  let failures = 0;
  const pause = () => {
    if (failures) return Math.min(30000, 2000 * 2 ** failures);
    if (document.hidden) return 15000;
    const state = document.getElementById("standing")?.dataset.state;
    return state === "approved" || state === "releasing" ? 400 : 1500;
  };
  let timer = 0;
  const look = async () => {
    clearTimeout(timer);
    try {
      const answer = await fetch(from, { headers: tag ? { "If-None-Match": tag } : {}, redirect: "error", credentials: "same-origin" });
      if (answer.status === 401) { location.assign("/"); return; }
      failures = 0;
      const date = Date.parse(answer.headers.get("X-Askfirst-Now"));
      if (date) offset = date - Date.now();
      if (answer.status === 200) {
        tag = answer.headers.get("ETag") || "";
        update(await answer.text());
      }
    } catch { failures += 1; }
    document.body.classList.toggle("stale", failures > 2);
    timer = setTimeout(look, pause());
  };

  for (const region of document.querySelectorAll("[data-live]")) drawn.set(region.id, region.outerHTML);
  tick();
  setInterval(tick, 1000);
  if (from) {
    look();
    document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  }

  // One press, one vote: a second press while the first is under way is not sent. A page that comes back from the cache works again.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "1";
    for (const button of event.target.querySelectorAll("button")) button.disabled = true;
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
