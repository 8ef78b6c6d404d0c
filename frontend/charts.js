// Charts that say a value where one points. The server's drawing stays: it is what is printed, what is seen before
// this script has come, and what is seen if anything fails here.

import embed from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";

const FAR = "600px"; // how far below the screen a chart is drawn already

export function watchCharts() {
  const near = new IntersectionObserver(
    (seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        liven(target).catch(() => target.parentElement?.classList.remove("lively"));
      }
    },
    { rootMargin: FAR },
  );
  const watch = () => {
    for (const drawing of document.querySelectorAll("[data-charts] svg.chart:not([data-seen])")) {
      drawing.dataset.seen = "";
      near.observe(drawing);
    }
  };
  document.addEventListener("DOMContentLoaded", watch);
  document.addEventListener("htmx:after:swap", watch);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  if (document.readyState !== "loading") watch();
}

// An address with `{id}` for the chart's id stands in data-charts of an element around it.
async function liven(drawing) {
  const address = drawing.closest("[data-charts]").dataset.charts.replace("{id}", drawing.id);
  const [answer] = await Promise.all([fetch(address), document.fonts.load("13px 'Source Sans 3'")]);
  if (!answer.ok) return;
  const spec = await answer.json();
  const frame = document.createElement("div");
  frame.className = "live";
  frame.setAttribute("role", "img");
  frame.setAttribute("aria-labelledby", drawing.getAttribute("aria-labelledby"));
  drawing.after(frame);
  // an interpreter instead of compiled code, so that nothing here needs eval
  const { view } = await embed(frame, spec, {
    mode: "vega-lite",
    renderer: "svg",
    ast: true,
    expr: expressionInterpreter,
    actions: false,
    defaultStyle: false,
    tooltip: say,
  });
  if (!drawing.isConnected) {
    view.finalize();
    return;
  }
  const drawn = frame.querySelector("svg");
  drawn.setAttribute("class", "chart");
  // it is one image to a screen reader, so its parts need no roles of their own
  for (const part of drawn.querySelectorAll("*"))
    for (const name of part.getAttributeNames())
      if (name === "role" || name.startsWith("aria-")) part.removeAttribute(name);
  drawing.parentElement.classList.add("lively");
}

let box;

function say(_, event, __, value) {
  if (value == null || value === "") {
    hide();
    return;
  }
  if (!box?.isConnected) {
    box = document.createElement("div");
    box.className = "said-here";
    // a screen reader has the same numbers in the table below the chart
    box.setAttribute("aria-hidden", "true");
    document.body.append(box);
  }
  box.textContent = value;
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - width - 8);
  const above = event.clientY - height - 12;
  box.style.left = `${Math.max(8, left)}px`;
  box.style.top = `${above < 8 ? event.clientY + 18 : above}px`;
}

function hide() {
  if (box) box.hidden = true;
}
