"use strict";
// Text from outside reaches the page through textContent and attributes alone, never as markup.

function content(id) {
  const block = document.getElementById(id);
  return block ? JSON.parse(block.textContent) : null;
}

/** An element of HTML with a class, text, and children. */
function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element of SVG with attributes. */
function draw(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

function fixed(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "\u2212");
}

function signed(value, digits = 3) {
  const text = fixed(value, digits);
  return value !== null && Number(value.toFixed(digits)) > 0 ? "+" + text : text;
}

/** The chosen value of radio buttons. */
function chosen(group) {
  const button = document.querySelector(`input[name="${group}"]:checked`);
  return button ? Number(button.value) : 0;
}

/** Of the panels with one name show the one that their radio buttons choose. */
function showPanels(name) {
  const index = chosen(name);
  for (const panel of document.querySelectorAll(`[data-panel="${name}"]`)) {
    panel.hidden = Number(panel.dataset.index) !== index;
  }
}

/** Curves of a panel: pointing at a key or pressing it lights one up in every chart of the panel. */
function litCurves(panel) {
  let pressed = null;
  const light = (curve) => {
    panel.classList.toggle("lit", curve !== null);
    for (const path of panel.querySelectorAll(".curve")) path.classList.toggle("on", path.dataset.curve === curve);
  };
  for (const key of panel.querySelectorAll(".curve-key")) {
    const row = key.closest("tr");
    row.addEventListener("pointerenter", () => light(key.dataset.curve));
    row.addEventListener("pointerleave", () => light(pressed));
    key.addEventListener("focus", () => light(key.dataset.curve));
    key.addEventListener("blur", () => light(pressed));
    key.addEventListener("click", () => {
      pressed = pressed === key.dataset.curve ? null : key.dataset.curve;
      for (const other of panel.querySelectorAll(".curve-key")) {
        other.setAttribute("aria-pressed", String(other.dataset.curve === pressed));
      }
      light(pressed);
    });
  }
}

for (const panel of document.querySelectorAll(".panel")) litCurves(panel);
for (const name of new Set([...document.querySelectorAll("[data-panel]")].map((panel) => panel.dataset.panel))) {
  showPanels(name);
  for (const button of document.querySelectorAll(`input[name="${name}"]`)) {
    button.addEventListener("change", () => showPanels(name));
  }
}
