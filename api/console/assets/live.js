// Follows what a page's sections say is under way: section[data-stream] holds a
// <progress>, a status line .live-text and a line .live-link about the connection. Each
// works without this script: by its link that loads the page again.

for (const section of document.querySelectorAll("section[data-stream]")) follow(section);

function follow(section) {
  const bar = section.querySelector("progress");
  const text = section.querySelector(".live-text");
  const link = section.querySelector(".live-link");
  const source = new EventSource(section.dataset.stream);
  const over = (words) => { source.close(); link.textContent = words; };
  let said = 0, waiting = 0;
  // A screen reader hears one sentence every three seconds at most, and the last.
  const say = (words, now) => {
    clearTimeout(waiting);
    const left = now ? 0 : Math.max(0, said + 3000 - Date.now());
    waiting = setTimeout(() => { said = Date.now(); text.textContent = words; }, left);
  };
  source.addEventListener("open", () => { link.textContent = ""; });
  source.addEventListener("progress", (e) => {
    const p = JSON.parse(e.data);
    if (p.total > 0 && p.done >= 0) { bar.max = p.total; bar.value = p.done; } else bar.removeAttribute("value");
    say(p.text, p.ended);
    if (!p.ended) return;
    source.close();
    if (p.href && p.href.startsWith("/console/")) location.replace(p.href); else location.reload();
  });
  source.addEventListener("refused", (e) => over(JSON.parse(e.data).text));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) over(section.dataset.over); else link.textContent = section.dataset.again;
  });
  addEventListener("pagehide", () => source.close());
}
