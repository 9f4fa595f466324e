"use strict";
// Text from the file reaches the page through textContent and attributes alone.
{
  const data = JSON.parse(document.getElementById("gallery-data").textContent);
  const form = document.getElementById("filters");
  const cards = document.getElementById("cards");
  const more = document.getElementById("more");
  const PAGE = 48;
  let limit = PAGE;

  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };
  const draw = (name, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    element.append(...children);
    return element;
  };

  const skeleton = (points, className) =>
    data.limbs
      .filter(([a, b]) => points[a] && points[b])
      .map(([a, b, side]) =>
        draw("line", {
          x1: points[a][0], y1: points[a][1], x2: points[b][0], y2: points[b][1], class: className || side,
        }));

  const scene = (entry) => {
    const [width, height] = entry.view;
    const side = Math.max(width, height);
    const parts = [];
    if (entry.picture) {
      const [x, y, w, h] = entry.ground;
      parts.push(draw("rect", { x, y, width: w, height: h, class: "ground" }));
    }
    if (entry.jpeg) {
      const [x, y, w, h] = entry.crop;
      parts.push(draw("image", {
        href: "data:image/jpeg;base64," + entry.jpeg, x, y, width: w, height: h, preserveAspectRatio: "none",
      }));
    }
    if (entry.box) {
      const [x, y, w, h] = entry.box;
      parts.push(draw("rect", { x, y, width: w, height: h, class: "frame" }));
    }
    if (entry.other) parts.push(...skeleton(entry.other, "other"));
    parts.push(...skeleton(entry.points, "halo"), ...skeleton(entry.points, ""));
    const wrong = new Set(entry.reasons.flatMap((reason) => reason.keypoints));
    entry.points.forEach((point, k) => {
      if (!point) return;
      const look = `${data.sides[k]}${point[2] === 1 ? " hidden" : ""}`;
      parts.push(draw("circle", { cx: point[0], cy: point[1], r: 3.4, class: look }, draw("title", {}, data.keypoints[k])));
      if (wrong.has(k)) parts.push(draw("circle", { cx: point[0], cy: point[1], r: 8, class: "wrong" }));
    });
    const box = [(width - side) / 2 - 4, (height - side) / 2 - 4, side + 8, side + 8];
    const label = `annotation ${entry.id}: ${entry.reasons.map((reason) => data.kinds[reason.kind]).join(", ")}`;
    return draw("svg", { viewBox: box.join(" "), class: "scene", role: "img", "aria-label": label }, ...parts);
  };

  const card = (entry) => {
    const name = make("bdi", "name", entry.name || `picture ${entry.image}`);
    name.title = entry.name;
    const reasons = make("ul", "");
    for (const reason of entry.reasons) {
      const line = make("li", "", make("b", "", data.kinds[reason.kind]), " ",
        make("span", "score", reason.suspicion.toFixed(1)), make("br", ""), reason.text);
      reasons.append(line);
    }
    const facts = make("div", "facts", make("div", "top", name, make("span", "", entry.id)), reasons);
    if (entry.out) facts.append(make("div", "out", entry.out));
    return make("article", "entry", scene(entry), facts);
  };

  // Ids may be beyond what a number of JavaScript can tell apart.
  const byId = (a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : Number(BigInt(a.id) > BigInt(b.id)));

  const order = {
    suspicion: (a, b) => b.suspicion - a.suspicion,
    reasons: (a, b) => b.reasons.length - a.reasons.length || b.suspicion - a.suspicion,
    name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : byId(a, b)),
    id: byId,
    large: (a, b) => b.size - a.size,
    small: (a, b) => a.size - b.size,
  };

  const render = () => {
    const wish = Object.fromEntries(new FormData(form));
    const search = wish.search.trim().toLowerCase();
    const kept = (reason) =>
      (!wish.kind || reason.kind === wish.kind) && (wish.keypoint === "" || reason.keypoints.includes(Number(wish.keypoint)));
    const strongest = (entry) => Math.max(...entry.reasons.filter(kept).map((reason) => reason.suspicion));
    const shown = data.entries
      .filter((entry) => entry.reasons.some(kept))
      .filter((entry) => !search || entry.name.toLowerCase().includes(search) || entry.id === search);
    if (wish.order === "suspicion") shown.sort((a, b) => strongest(b) - strongest(a));
    else shown.sort(order[wish.order]);
    cards.replaceChildren(...shown.slice(0, limit).map(card));
    more.hidden = shown.length <= limit;
    document.getElementById("shown").textContent = shown.length
      ? `${Math.min(limit, shown.length)} of ${shown.length} people, of ${data.entries.length} in this gallery.`
      : "Nobody is like that.";
  };

  form.addEventListener("input", () => { limit = PAGE; render(); });
  form.addEventListener("reset", () => setTimeout(() => { limit = PAGE; render(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => { limit += PAGE; render(); });
  render();
}
