// The glossary narrows as one types; the form does the same without scripts.

const form = document.querySelector(".find-term");
const field = form.querySelector("input[type=search]");
const told = document.querySelector("[data-none]");
const plain = (s) => s.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replaceAll("œ", "oe").replaceAll("’", "'");
const terms = [...document.querySelectorAll(".letter dl > div")].map((at) => ({ at, text: plain(at.textContent) }));

const narrow = () => {
  const typed = plain(field.value.trim()).replace(/^(article|art\.?) /, "");
  let shown = 0;
  for (const t of terms) {
    t.at.hidden = !t.text.includes(typed);
    if (!t.at.hidden) shown++;
  }
  for (const s of document.querySelectorAll(".letter")) s.hidden = !s.querySelector("dl > div:not([hidden])");
  told.textContent = shown ? `${shown} ${told.dataset.some}` : told.dataset.none;
  told.className = shown ? "hidden" : "empty";
};
if (terms.length && !field.value) field.addEventListener("input", narrow);
