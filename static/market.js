// A market's page goes on from where the server made it: what is published is written into the map
// as it comes; the sentences, the lines and the lists are asked for again, at most every few seconds.
// Without script the page is what it was when it was made, and says so.
(() => {
  "use strict";
  const REST_MS = 5000; // between two askings for the rest of the page
  const SPREAD_MS = 1500; // so that a hundred pages do not ask at once
  const STATE_MS = 20000; // between two askings for who leads: a market that stands still tells nobody
  const page = document.getElementById("market-now");
  if (!page || !window.EventSource) return;
  const told = JSON.parse(document.getElementById("market-data").textContent);
  const cells = new Map();
  for (const cell of page.querySelectorAll("[data-part]")) cells.set(Number(cell.dataset.part), cell);
  const live = page.querySelector("[data-live]");
  const clock = page.querySelector("[data-clock]");
  const published = page.querySelector("[data-published]");
  const publishedAt = page.querySelector("[data-published-at]");
  const rest = page.querySelector("[data-rest-of-page]");
  const state = page.querySelector("[data-state-of-market]");
  const moved = new Set();
  let isDrawing = false;
  let asksRestAt = 0;
  let restTimer = 0;
  let isLeaving = false;
  let isStalled = Boolean(state.querySelector("[data-stalled]"));

  const wordOf = (ppm) => (told.levels.find(([most]) => ppm <= most) || [0, told.short])[1];
  const percent = (ppm) => {
    const tenths = Math.floor(ppm / 1000);
    return `${Math.floor(tenths / 10).toLocaleString("en-GB")}.${tenths % 10}\u00a0%`;
  };
  // As the server writes it: cut off at the minor unit, never rounded.
  const money = (micro) => {
    const unit = 10 ** (6 - told.minorDigits);
    const minor = Math.floor(Math.abs(micro) / unit);
    const scale = 10 ** told.minorDigits;
    const whole = Math.floor(minor / scale).toLocaleString("en-GB");
    const part = told.minorDigits ? `.${String(minor % scale).padStart(told.minorDigits, "0")}` : "";
    return `${micro < 0 ? "\u2212" : ""}${told.sign}${whole}${part}`;
  };

  const draw = () => {
    isDrawing = false;
    for (const index of moved) {
      const cell = cells.get(index);
      if (!cell) continue;
      const [ppm, price] = told.parts[index];
      const word = wordOf(ppm);
      cell.className = `level ${word}`;
      cell.querySelector("[data-tightness]").textContent = percent(ppm);
      cell.querySelector("[data-price]").textContent = money(price);
      cell.querySelector("[data-word]").textContent = word;
    }
    moved.clear();
  };

  const say = (words, isLive) => {
    if (live.textContent === words) return;
    live.textContent = words;
    live.className = `status ${isLive ? "good" : "care"}`;
  };

  const local = (moment) =>
    new Date(moment).toLocaleString("en-GB", {
      timeZone: told.zone,
      day: "numeric",
      month: "short",
      year: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      timeZoneName: "short",
    });

  const ago = (moment) => {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(moment)) / 1000));
    if (seconds < 2) return "this moment";
    if (seconds < 120) return `${seconds} seconds ago`;
    return seconds < 7200 ? `${Math.floor(seconds / 60)} minutes ago` : `${Math.floor(seconds / 3600)} hours ago`;
  };
  const age = () => {
    published.textContent = ago(published.dataset.published);
  };

  const askRest = () => {
    if (restTimer) return;
    const wait = Math.max(0, asksRestAt + REST_MS - Date.now()) + Math.random() * SPREAD_MS;
    restTimer = window.setTimeout(async () => {
      restTimer = 0;
      asksRestAt = Date.now();
      if (document.hidden) return;
      try {
        const answer = await fetch(page.dataset.rest);
        if (!answer.ok) return;
        const scrolled = window.scrollY;
        rest.innerHTML = await answer.text();
        window.scrollTo(0, scrolled);
      } catch {
        // The stream says that nobody answers; the next publication asks again.
      }
    }, wait);
  };

  const sayLive = () => (isStalled ? say("Connected, and nothing moves", false) : say("Live", true));

  const askState = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(page.dataset.state);
      if (!answer.ok) return;
      const words = await answer.text();
      if (words !== state.innerHTML) state.innerHTML = words;
      isStalled = Boolean(state.querySelector("[data-stalled]"));
      if (stream.readyState === EventSource.OPEN) sayLive();
    } catch {
      // The stream says that nobody answers; it is asked again.
    }
  };

  // By other law a number may be another part: nothing of it is written under the names of this.
  const leave = () => {
    if (isLeaving) return;
    isLeaving = true;
    window.setTimeout(() => window.location.reload(), Math.random() * SPREAD_MS);
  };

  const take = (event) => {
    const said = JSON.parse(event.data);
    if (isLeaving) return;
    if (said.cause === "ex post") return askRest();
    if (said.law !== told.law) return leave();
    said.holons.forEach((index, place) => {
      told.parts[index] = [
        said.tightness_ppm[place],
        said.price_micro_per_mwh[place],
        said.sell_price_micro_per_mwh[place],
      ];
      moved.add(index);
    });
    clock.textContent = local(said.at);
    publishedAt.textContent = local(said.published_at);
    published.dataset.published = said.published_at;
    age();
    if (isStalled) askState();
    else sayLive();
    if (!isDrawing) {
      isDrawing = true;
      window.requestAnimationFrame(draw);
    }
    askRest();
  };

  let stream;
  const connect = (address) => {
    stream = new EventSource(address);
    stream.addEventListener("prices", take);
    stream.addEventListener("open", sayLive);
    stream.addEventListener("error", () => {
      say("Not live: connecting again", false);
      // The browser connects again by itself, but not where it was refused.
      if (stream.readyState === EventSource.CLOSED) {
        window.setTimeout(() => window.location.reload(), 30000 + Math.random() * 10000);
      }
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) askRest();
    });
  };

  window.setInterval(age, 1000);
  window.setInterval(askState, STATE_MS + Math.random() * SPREAD_MS);
  connect(page.dataset.stream);
})();
