// The one script of the app. Every page works without it; with it, forms answer in place and charts say their values.

import htmx from "htmx.org/dist/htmx.esm.js";
import { watchCharts } from "./charts.js";

// Back and forward load the state that the address names: whatever it shows, the server made it as one page.
htmx.config.history = "reload";
// Nothing moves; and for transitions htmx would set styles in a way that the page's policy forbids.
htmx.config.defaultSettleDelay = 0;

// A refusal is a whole page; what it says is shown where the answer would have been.
document.addEventListener("htmx:response:error", ({ detail }) => {
  if (detail.ctx.text.startsWith("<!doctype")) detail.ctx.select = "#content > *";
});

// No answer at all: the server was stopped, or took too long.
document.addEventListener("htmx:error", ({ detail }) => {
  if (!detail.ctx) return;
  const line = document.getElementById("trouble") ?? document.createElement("p");
  line.id = "trouble";
  line.setAttribute("role", "alert");
  line.textContent =
    "globulin does not answer. Is it still running in its terminal? What you see is as it was before.";
  document.body.append(line);
});
document.addEventListener("htmx:after:swap", () => document.getElementById("trouble")?.remove());

// Folds that were open stay open when what they hold is computed anew.
const openFolds = () =>
  new Set([...document.querySelectorAll("main details[open] > summary")].map((fold) => fold.textContent));
let opened = new Set();
document.addEventListener("htmx:before:swap", () => (opened = openFolds()));
document.addEventListener("htmx:after:swap", () => {
  for (const fold of document.querySelectorAll("main details:not([open]) > summary"))
    if (opened.has(fold.textContent)) fold.parentElement.open = true;
});

watchCharts();
