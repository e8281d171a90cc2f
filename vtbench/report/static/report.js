"use strict";
(() => {
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
  for (const target of document.querySelectorAll("[data-tip]")) {
    target.removeAttribute("title");
    target.querySelector(":scope > title")?.remove();
    target.addEventListener("click", (event) => { event.stopPropagation(); tell(target); });
    target.addEventListener("focus", () => tell(target));
    target.addEventListener("blur", () => { if (told === target) tell(null); });
    target.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") tell(target); });
    target.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && told === target && document.activeElement !== target) tell(null); });
  }
  document.addEventListener("click", () => tell(null));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tell(null); });
  addEventListener("scroll", () => { if (told !== null) tell(told); }, { capture: true, passive: true });

  // Models: hidden one by one, or by the bits a pixel that they spend, everywhere on the page alike.
  const slider = document.getElementById("rate");
  const rates = slider.dataset.rates.split(" ").filter(Boolean).map(Number);
  const boxes = [...document.querySelectorAll("input.shown")];
  slider.max = slider.value = String(Math.max(rates.length - 1, 0));
  for (const box of boxes) {
    box.hidden = false;
    box.setAttribute("aria-label", "Show " + box.value + " on this page");
  }
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  const apply = () => {
    const last = Number(slider.value) >= rates.length - 1;
    const most = last ? Infinity : rates[Number(slider.value)];
    const hidden = new Set(boxes.filter((box) => !box.checked).map((box) => box.value));
    const beyond = (element) => element.dataset.rate !== undefined && Number(element.dataset.rate) > most;
    for (const element of document.querySelectorAll("[data-model]")) {
      element.classList.toggle("off", hidden.has(element.dataset.model) || beyond(element));
    }
    for (const box of boxes) {
      const row = box.closest("tr"), cells = [...row.cells].filter((cell) => cell.dataset.rate !== undefined);
      for (const cell of cells) cell.classList.toggle("beyond", beyond(cell));
      row.classList.toggle("off", cells.length > 0 && cells.every(beyond));
      row.classList.toggle("dim", !box.checked);
    }
    for (const chart of document.querySelectorAll("svg.chart")) redraw(chart);
    const words = last ? "any rate" : most + " bits a pixel";
    document.getElementById("rate-told").textContent = words;
    slider.setAttribute("aria-valuetext", words);
    const tooMany = boxes.filter((box) => box.closest("tr").classList.contains("off")).length;
    const parts = [hidden.size ? hidden.size + " hidden" : "", tooMany ? tooMany + " above the rate" : ""].filter(Boolean);
    document.getElementById("hidden-told").textContent = parts.join(", ");
    tell(null);
  };
  // The dashed line goes through the marked points that are shown.
  const redraw = (chart) => {
    const line = chart.querySelector("path.front");
    if (line === null) return;
    const points = [...chart.querySelectorAll("g.series:not(.off) .front-dot")].map((dot) => dot.parentNode.dataset);
    points.sort((a, b) => Number(a.x) - Number(b.x));
    line.setAttribute("d", points.length > 1 ? points.map((point, index) => (index ? "L" : "M") + point.x + " " + point.y).join("") : "");
  };
  slider.addEventListener("input", apply);
  for (const box of boxes) {
    box.addEventListener("change", () => {
      for (const other of boxes) if (other.value === box.value) other.checked = box.checked;
      apply();
    });
  }
  document.getElementById("all").addEventListener("click", () => {
    slider.value = slider.max;
    for (const box of boxes) box.checked = true;
    apply();
  });
  apply();

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

  const predictions = new Map([...document.querySelectorAll("img.under")].map((image) => [image, image.src]));
  const originalOf = (image) => {
    const shared = image.closest(".compare")?.style.getPropertyValue("--original") ?? "";
    return image.dataset.original || shared.replace(/^url\(["']?|["']?\)$/g, "") || predictions.get(image);
  };

  // One slider a grid moves the cut of all its pictures; another button shows the amplified error instead.
  for (const grid of document.querySelectorAll(".compare")) {
    const handle = grid.querySelector("input[type=range]");
    const cut = () => grid.style.setProperty("--cut", handle.value + "%");
    handle.addEventListener("input", cut);
    cut();
    const toggle = grid.querySelector(".toggle-error");
    toggle.addEventListener("click", () => {
      const on = grid.classList.toggle("show-error");
      toggle.setAttribute("aria-pressed", String(on));
      for (const image of grid.querySelectorAll("img.under")) image.src = on ? image.dataset.error : predictions.get(image);
    });
  }

  // Zoom: original, prediction and error side by side, closed by Escape or a click.
  const zoom = document.getElementById("zoom");
  for (const pair of document.querySelectorAll(".pair")) {
    pair.addEventListener("click", () => {
      const under = pair.querySelector("img.under");
      zoom.querySelector("p").textContent = pair.getAttribute("aria-label").replace(/: enlarge$/, "");
      const [original, prediction, error] = zoom.querySelectorAll("img");
      original.src = originalOf(under);
      prediction.src = predictions.get(under);
      error.src = under.dataset.error || predictions.get(under);
      zoom.showModal();
    });
  }
  zoom.addEventListener("click", () => zoom.close());
})();
