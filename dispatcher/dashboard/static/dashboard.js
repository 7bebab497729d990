/* What the pages need besides htmx: ages that go on, and whether the connection to the server is there. */
"use strict";

(() => {
  const MINUTE = 60, HOUR = 3600, DAY = 86400, TRY_AGAIN = 3000, opened = new WeakSet(), MOST_LINES = 5000;

  function span(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    if (whole < MINUTE) return `${whole}s`;
    if (whole < HOUR) return whole < 10 * MINUTE && whole % 60 ? `${Math.floor(whole / 60)}m${whole % 60}s` : `${Math.floor(whole / 60)}m`;
    if (whole < 2 * DAY) {
      const minutes = Math.floor((whole % HOUR) / 60);
      return whole < 10 * HOUR && minutes ? `${Math.floor(whole / HOUR)}h${minutes}m` : `${Math.floor(whole / HOUR)}h`;
    }
    return `${Math.floor(whole / DAY)}d`;
  }

  function tick() {
    for (const time of document.querySelectorAll("time[data-age]")) {
      const text = span((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  function show(state, text) {
    const live = document.getElementById("live");
    if (!live || live.dataset.state === state) return;
    live.dataset.state = state;
    document.getElementById("live-text").textContent = text;
  }

  const live = () => show("live", "");
  const lost = () => show("lost", "No connection to git-dispatcher: this page may be out of date. Trying again …");

  function onLive(type, act) {
    document.addEventListener(type, (event) => { if (event.target && event.target.id === "live") act(event); });
  }

  onLive("htmx:sse:after:connection", live);
  onLive("htmx:sse:error", (event) => {
    if (event.detail && event.detail.status === 401) location.reload();
    else lost();
  });
  onLive("htmx:error", () => { lost(); setTimeout(again, TRY_AGAIN); });
  onLive("htmx:sse:close", (event) => {
    if (event.detail && event.detail.reason !== "removed") setTimeout(again, TRY_AGAIN);
  });

  function again() {
    const element = document.getElementById("live");
    if (element && window.htmx) window.htmx.trigger(element, "again");
  }

  /* One connection for each log, however often the page around it changes. The server has escaped the lines. */
  function openLogs() {
    for (const box of document.querySelectorAll("[data-log]")) {
      if (opened.has(box)) continue;
      opened.add(box);
      const source = new EventSource(box.dataset.log);
      source.onmessage = (event) => {
        box.insertAdjacentHTML("beforeend", event.data);
        while (box.childElementCount > MOST_LINES) box.firstElementChild.remove();
        follow();
      };
      source.addEventListener("log-end", () => source.close());
    }
  }

  function follow() {
    for (const box of document.querySelectorAll("[data-follow]")) {
      if (box.dataset.atEnd !== "no") box.scrollTop = box.scrollHeight;
    }
  }

  document.addEventListener("scroll", (event) => {
    const box = event.target;
    if (box.dataset && "follow" in box.dataset) {
      box.dataset.atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 8 ? "yes" : "no";
    }
  }, true);
  document.addEventListener("htmx:after:swap", () => { tick(); openLogs(); follow(); });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    const search = document.getElementById("q");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && search) {
      event.preventDefault();
      search.focus();
    }
  });
  setInterval(tick, 1000);
  document.addEventListener("DOMContentLoaded", () => { tick(); openLogs(); follow(); });
})();
