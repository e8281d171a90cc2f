// Filters: a row is shown where it has everything that is asked for; charts, legends and sections follow their rows.
root.classList.add("scripted");
for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
const filters = document.getElementById("filters");
const rows = [...document.querySelectorAll("main tr[data-model]")];
const UNKNOWN = "?";
const month = (date, last) => (date.length === 7 ? date + (last ? "-31" : "-01") : date);
const asks = {
  find: (row, text) => row.dataset.find.toLowerCase().includes(text.trim().toLowerCase()),
  origin: (row, value) => row.dataset.origin === value,
  boards: (row, value) => row.dataset.boards.split(" ").includes(value),
  family: (row, value) => row.dataset.family === (value === UNKNOWN ? "" : value),
  size: (row, value) => row.dataset.size === (value === UNKNOWN ? "" : value),
  licence: (row, value) => row.dataset.licence === (value === UNKNOWN ? "" : value),
  rate: (row, most) => row.dataset.rate !== undefined && Number(row.dataset.rate) <= Number(most),
  since: (row, day) => row.dataset.date !== "" && month(row.dataset.date, true) >= day,
  until: (row, day) => row.dataset.date !== "" && month(row.dataset.date, false) <= day,
};
const apply = () => {
  const wanted = [...new FormData(filters)].filter(([, value]) => value.trim() !== "");
  for (const row of rows) row.classList.toggle("off", !wanted.every(([name, value]) => asks[name](row, value)));
  for (const section of document.querySelectorAll("main section")) {
    const shown = new Set([...section.querySelectorAll("tr[data-model]:not(.off)")].map((row) => row.dataset.model));
    section.classList.toggle("off", shown.size === 0);
    for (const series of section.querySelectorAll("g.series")) series.classList.toggle("off", !shown.has(series.dataset.model));
    for (const entry of section.querySelectorAll(".legend li")) {
      entry.classList.toggle("off", !JSON.parse(entry.dataset.models).some((model) => shown.has(model)));
    }
    for (const figure of section.querySelectorAll("figure")) {
      figure.classList.toggle("off", figure.querySelector("g.series:not(.off)") === null);
      for (const chart of figure.querySelectorAll("svg.chart")) redraw(chart);
    }
  }
  for (const group of document.querySelectorAll(".group")) {
    group.classList.toggle("off", group.querySelector("section:not(.off)") === null);
  }
  const left = rows.filter((row) => !row.classList.contains("off")).length;
  document.getElementById("told").textContent = left === rows.length ? rows.length + " rows" : left + " of " + rows.length + " rows";
  tell(null);
};
filters.addEventListener("input", apply);
filters.addEventListener("change", apply);
filters.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("all").addEventListener("click", () => { filters.reset(); apply(); });
apply();

// A row opens over the page what the page holds at its end: its own sheet, its protocol, its card. The address names
// it, so that it can be sent to others.
const sheet = document.getElementById("sheet"), body = document.getElementById("sheet-body");
const copied = (source) => {
  const copy = source.cloneNode(true);
  copy.removeAttribute("id");
  copy.querySelector(".parts")?.remove();
  return copy;
};
const show = (place) => {
  const article = /^[scp]\d+$/.test(place) ? document.getElementById(place) : null;
  if (article === null) return;
  const others = [...article.querySelectorAll(".parts a")].map((link) => document.getElementById(link.hash.slice(1)));
  body.replaceChildren(...[article, ...others].map(copied));
  const title = body.querySelector(".title");
  title.id = "sheet-title";
  if (!sheet.open) sheet.showModal();
  sheet.scrollTop = 0;
};
for (const link of document.querySelectorAll("a.open")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.hash);
    show(link.hash.slice(1));
  });
}
sheet.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
addEventListener("hashchange", () => show(location.hash.slice(1)));
show(location.hash.slice(1));
