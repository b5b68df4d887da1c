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
