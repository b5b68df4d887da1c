// Adds rows to the table of what is recorded, the latest first. Nothing is read out
// unless that is asked for; rows beyond the bound leave at the bottom.

const table = document.querySelector("table[data-tail]");
const body = table.tBodies[0];
const count = document.querySelector(".tail-count");
const link = document.querySelector(".live-link");
const pause = document.querySelector(".tail-pause");
const aloud = document.querySelector(".tail-aloud");
const most = Number(table.dataset.most);
let paused = false, held = [], seen = 0;

const add = (cells) => {
  const tr = body.insertRow(0);
  tr.className = "new";
  for (const c of cells) {
    const td = tr.insertCell();
    if (c.href && c.href.startsWith("/console/")) {
      const a = document.createElement("a");
      a.href = c.href;
      a.textContent = c.text;
      if (c.code) a.title = c.code;
      td.append(a);
    } else td.textContent = c.text;
  }
  while (body.rows.length > most) body.deleteRow(-1);
  seen++;
};
const show = () => {
  for (const row of held.splice(0)) add(row);
  count.textContent = count.dataset.text.replace("{1}", seen);
  document.querySelector(".tail-empty").hidden = seen > 0;
};

const source = new EventSource(table.dataset.tail);
source.addEventListener("rows", (e) => {
  held.push(...JSON.parse(e.data));
  if (held.length > most) held.splice(0, held.length - most);
  if (paused) pause.textContent = pause.dataset.resume.replace("{1}", held.length); else show();
});
source.addEventListener("open", () => { link.textContent = ""; });
source.addEventListener("refused", (e) => { source.close(); link.textContent = JSON.parse(e.data).text; });
source.addEventListener("error", () => { link.textContent = source.readyState === EventSource.CLOSED ? table.dataset.over : table.dataset.again; });
addEventListener("pagehide", () => source.close());

document.querySelector(".tail-still").hidden = true;
pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? pause.dataset.resume.replace("{1}", held.length) : pause.dataset.pause;
  if (!paused) show();
});
aloud.closest("label").hidden = false;
aloud.addEventListener("change", () => { count.setAttribute("aria-live", aloud.checked ? "polite" : "off"); });
