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
    zoom.querySelector(".three").classList.toggle("rows", Boolean(pair.closest(".strips")));
    zoom.showModal();
  });
}
zoom.addEventListener("click", () => zoom.close());
