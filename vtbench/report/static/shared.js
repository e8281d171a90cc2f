// What every page has: themes, tips, fronts of charts, sorting. It stands in one scope with the page's own script.
const root = document.documentElement;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const setTheme = (dark) => { root.dataset.theme = dark ? "dark" : "light"; };
setTheme(prefersDark.matches);
prefersDark.addEventListener("change", (event) => setTheme(event.matches));
document.getElementById("theme").addEventListener("click", () => setTheme(root.dataset.theme !== "dark"));

// Intervals: beside a number or a point that is hovered, tapped or focused. Titles serve pages without scripts.
const tip = document.getElementById("tip");
let told = null;
const tell = (target) => {
  told = target;
  tip.hidden = target === null;
  if (target === null) return;
  tip.textContent = target.dataset.tip;
  const box = target.getBoundingClientRect(), width = tip.offsetWidth, height = tip.offsetHeight;
  const left = Math.min(Math.max(10, box.left + box.width / 2 - width / 2), document.documentElement.clientWidth - width - 10);
  const above = box.top - height - 8;
  tip.style.left = left + "px";
  tip.style.top = (above > 4 ? above : box.bottom + 8) + "px";
};
// What has the focus keeps its tip when a pointer, or a page that scrolls below it, has passed over another.
const focused = () => (document.activeElement?.dataset.tip === undefined ? null : document.activeElement);
for (const target of document.querySelectorAll("[data-tip]")) {
  target.removeAttribute("title");
  target.querySelector(":scope > title")?.remove();
  target.addEventListener("click", (event) => { event.stopPropagation(); tell(target); });
  target.addEventListener("focus", () => tell(target));
  target.addEventListener("blur", () => { if (told === target) tell(null); });
  target.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") tell(target); });
  target.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && told === target) tell(focused()); });
}
document.addEventListener("click", () => tell(null));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tell(null); });
addEventListener("scroll", () => { if (told !== null) tell(told); }, { capture: true, passive: true });

// A chart is one stop of the Tab key; arrows, Home and End go from point to point among those that are shown.
const pointsOf = (chart) => [...chart.querySelectorAll("g.series:not(.off) .point")];
const stopAt = (chart, stop) => {
  for (const point of chart.querySelectorAll(".point")) point.setAttribute("tabindex", point === stop ? "0" : "-1");
};
const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
for (const chart of document.querySelectorAll("svg.chart")) {
  stopAt(chart, pointsOf(chart)[0]);
  chart.addEventListener("keydown", (event) => {
    const points = pointsOf(chart), at = points.indexOf(document.activeElement);
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = points[Math.min(Math.max(at + steps[event.key], 0), points.length - 1)];
    stopAt(chart, next);
    next.focus();
  });
}

// The dashed line goes through the marked points that are shown, a curve through those of its model.
const through = (line, points) => {
  points.sort((a, b) => Number(a.x) - Number(b.x));
  line.setAttribute("d", points.length > 1 ? points.map((point, index) => (index ? "L" : "M") + point.x + " " + point.y).join("") : "");
};
const redraw = (chart) => {
  const shown = pointsOf(chart);
  if (!shown.includes(chart.querySelector('.point[tabindex="0"]'))) stopAt(chart, shown[0]);
  for (const line of chart.querySelectorAll("path.front")) {
    through(line, [...chart.querySelectorAll("g.series:not(.off) .front-dot")].map((dot) => dot.parentNode.dataset));
  }
  for (const line of chart.querySelectorAll("path.curve")) {
    const models = JSON.parse(line.dataset.models);
    const series = [...chart.querySelectorAll("g.series:not(.off)")].filter((one) => models.includes(one.dataset.model));
    through(line, series.flatMap((one) => [...one.querySelectorAll(".point")].map((point) => point.dataset)));
  }
};

// Sorting: the value in data-order where there is one; empty values stay at the end either way.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => {
        const cell = row.cells[column];
        const text = cell.dataset.order ?? cell.textContent.trim();
        if (text === "") return null;
        const number = text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);
        return Number.isNaN(number) ? text : number;
      };
      const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
        return (Number.isNaN(order) ? 0 : order) * (up ? 1 : -1);
      });
      for (const [, row] of rows) table.tBodies[0].append(row);
    });
  });
}
