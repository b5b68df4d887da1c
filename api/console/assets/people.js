// Comfort for the pages about people, which work without it: files are dropped on their
// field, and a slider moves between the dates of a person's own events.

for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = zone.querySelector("input[type=file]");
  const over = (e, on) => { e.preventDefault(); zone.classList.toggle("over", on); };
  zone.addEventListener("dragover", (e) => over(e, true));
  zone.addEventListener("dragleave", (e) => over(e, false));
  zone.addEventListener("drop", (e) => {
    over(e, false);
    if (e.dataTransfer.files.length === 0) return;
    input.files = e.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  });
}

// The page that a slider leads to has the focus where it was: an id of this page, no more.
const held = sessionStorage.getItem("greffe-slide");
sessionStorage.removeItem("greffe-slide");

for (const form of document.querySelectorAll("[data-moment]")) {
  for (const slide of form.querySelectorAll(".slide")) {
    const range = slide.querySelector("input[type=range]");
    const ticks = [...slide.querySelectorAll("option")];
    const said = slide.querySelector("output");
    const field = form.elements[range.dataset.for];
    const begun = range.value;
    let later = 0;
    const tell = () => {
      const tick = ticks[range.valueAsNumber];
      said.textContent = tick.label;
      range.setAttribute("aria-valuetext", tick.label);
      field.value = tick.dataset.at;
    };
    const go = () => {
      if (range.value === begun) return;
      if (document.activeElement === range) sessionStorage.setItem("greffe-slide", range.id);
      form.requestSubmit();
    };
    const kept = field.value;
    tell();
    field.value = kept;
    range.addEventListener("input", () => { tell(); clearTimeout(later); });
    range.addEventListener("change", () => { clearTimeout(later); later = setTimeout(go, 400); }); // arrows go through several dates
    slide.hidden = false;
    if (range.id && range.id === held) {
      const folded = range.closest("details");
      if (folded) folded.open = true;
      range.focus();
    }
  }
  form.addEventListener("submit", () => { for (const e of form.elements) if (e.name && e.value === "") e.disabled = true; });
}
window.addEventListener("pageshow", () => {
  for (const e of document.querySelectorAll("[data-moment] :disabled")) e.disabled = false;
});
