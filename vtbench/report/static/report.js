"use strict";
(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const setTheme = (dark) => { root.dataset.theme = dark ? "dark" : "light"; };
  setTheme(prefersDark.matches);
  prefersDark.addEventListener("change", (event) => setTheme(event.matches));
  document.getElementById("theme").addEventListener("click", () => setTheme(root.dataset.theme !== "dark"));

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
    const slider = grid.querySelector("input[type=range]");
    const cut = () => grid.style.setProperty("--cut", slider.value + "%");
    slider.addEventListener("input", cut);
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
