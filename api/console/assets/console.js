// Comfort for pages that work without it: the folded menu on a narrow screen, plots,
// and buttons that go out of use once a form was sent.

const narrow = window.matchMedia("(max-width: 60rem)");
const menu = document.querySelector(".menu-toggle");
const fold = () => { if (menu) menu.open = !narrow.matches; };
fold();
narrow.addEventListener("change", fold);

// Escape folds what was unfolded around the focus, and leaves the focus on what unfolds it.
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape" || e.defaultPrevented) return;
  const open = document.activeElement?.closest("details[open]");
  if (!open || (open === menu && !narrow.matches)) return;
  open.open = false;
  open.querySelector("summary")?.focus();
});

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button[type=submit]");
    if (button) button.setAttribute("aria-busy", "true");
  });
}
window.addEventListener("pageshow", () => {
  for (const b of document.querySelectorAll("[aria-busy]")) b.removeAttribute("aria-busy");
});

// A table that is wider than its place says that it goes on to the side.
const more = document.querySelector("main")?.dataset.wide;
const wide = new ResizeObserver((all) => {
  for (const { target } of all) target.closest(".scroll").classList.toggle("wide", target.closest(".scroll").scrollWidth > target.closest(".scroll").clientWidth + 1);
});
for (const at of document.querySelectorAll(".scroll")) {
  at.dataset.more = more ?? "";
  wide.observe(at);
  if (at.firstElementChild) wide.observe(at.firstElementChild);
}

const figures = [...document.querySelectorAll("figure.plot[data-kind=lines]")];
if (figures.length) {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = "/console/assets/uplot.css";
  document.head.append(sheet);
  const script = document.createElement("script");
  script.src = "/console/assets/uplot.js";
  script.addEventListener("load", () => figures.forEach(draw));
  document.head.append(script);
}

function draw(figure) {
  const series = JSON.parse(figure.dataset.series);
  const at = figure.querySelector(".canvas");
  const style = getComputedStyle(document.body);
  const accent = style.getPropertyValue("--pico-primary").trim() || "#0a5c8f";
  const axis = { stroke: style.color, grid: { stroke: "rgba(128,128,128,.2)" }, ticks: { stroke: "rgba(128,128,128,.4)" } };
  const size = () => ({ width: at.clientWidth, height: 220 });
  const labels = (_, splits) => splits.map((i) => (Number.isInteger(i) && series.labels[i]) || "");
  const several = series.names.length > 1;
  const number = new Intl.NumberFormat(document.documentElement.lang, { useGrouping: "min2" });
  const told = (v) => (v == null ? "" : number.format(v));
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  const colours = [accent, ...(dark ? ["#f0b878", "#85d6a0", "#cbaef0", "#ff9a93", "#b4bac2"] : ["#b35900", "#3c7d4f", "#8a5aa8", "#a4161a", "#6b6b6b"])];
  const line = (label, i) => ({ label, value: (_, v) => told(v), stroke: colours[i % colours.length], width: 2, dash: i % 2 ? [7, 4] : undefined, fill: several ? undefined : "rgba(10,92,143,.12)" });
  const plot = new window.uPlot({
    ...size(), padding: [null, 30, null, null], legend: { show: several }, scales: { x: { time: false } }, cursor: { drag: { x: false, y: false } },
    series: [{ label: series.axis, value: (_, i) => series.labels[i] ?? "" }, ...series.names.map(line)],
    axes: [{ ...axis, values: labels, space: 70, incrs: [1, 2, 3, 6, 12, 24] }, { ...axis, size: 60, values: (_, splits) => splits.map(told) }],
  }, [series.labels.map((_, i) => i), ...series.values], at);
  new ResizeObserver(() => plot.setSize(size())).observe(at);
}

// On a telephone the rows of a table stand one below another, each cell behind the name
// of its column (console-narrow.css). Roles are said, as a display of blocks hides them.
const stacked = new MutationObserver((all) => { for (const { target } of all) columns(target.closest("table")); });
for (const table of document.querySelectorAll(".scroll > table:not(.heat, .calendar, .matrix, .merge)")) {
  if (!table.tHead?.rows.length) continue;
  table.classList.add("stacked");
  table.setAttribute("role", "table");
  columns(table);
  for (const body of table.tBodies) stacked.observe(body, { childList: true });
}

function columns(table) {
  const head = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  for (const group of [table.tHead, ...table.tBodies]) {
    group.setAttribute("role", "rowgroup");
    for (const row of group.rows) {
      row.setAttribute("role", "row");
      for (const cell of row.cells) {
        cell.setAttribute("role", cell.tagName === "TD" ? "cell" : group === table.tHead ? "columnheader" : "rowheader");
        if (group === table.tHead) continue;
        cell.dataset.column = head[cell.cellIndex]?.textContent.trim() ?? "";
        cell.toggleAttribute("data-empty", ["", "—"].includes(cell.textContent.trim()) && !cell.querySelector("meter, progress, svg, input, button, img"));
      }
    }
  }
}
