// The gallery: cards of the worst people, sorted and filtered, and a dialog with all keypoints of one.
{
  const data = content("gallery-data") || { entries: [], runs: [] };
  const cards = document.getElementById("cards");
  const form = document.getElementById("filters");
  const two = data.runs.length === 2;

  /** Entries about the same truth stand in one card, a run each. */
  const grouped = () => {
    const groups = new Map();
    data.entries.forEach((entry) => {
      if (!groups.has(entry.key)) groups.set(entry.key, { entries: [null, null], picture: data.pictures[entry.picture] });
      groups.get(entry.key).entries[entry.run] = entry;
    });
    return [...groups.values()];
  };

  // Detectors write (0, 0) where they found nothing. OKS takes it as a place; a drawing should not.
  const isFound = (entry, k) => entry.xy[k][0] !== 0 || entry.xy[k][1] !== 0;
  const errorsOf = (entry) => entry.kinds.filter((kind) => kind > 1).length;
  const present = (group) => group.entries.filter((entry) => entry !== null);

  const pick = {
    worst: (entry) => entry.rank,
    oks: (entry) => entry.oks,
    score: (entry) => entry.score,
    errors: (entry) => (entry.kinds.length ? errorsOf(entry) : null),
    area: (entry) => entry.area,
  };

  /** The group's value in an order: of its entries the one that comes first. Null is last in every order. */
  const valueOf = (group, what, down) => {
    if (what === "name") return group.picture.name;
    if (what === "change") {
      const [a, b] = group.entries;
      return a && b ? Math.abs((a.oks || 0) - (b.oks || 0)) : null;
    }
    const values = present(group).map(pick[what]).filter((value) => value !== null);
    return values.length ? (down ? Math.max(...values) : Math.min(...values)) : null;
  };

  const sorted = (groups, order) => {
    const [what, way] = order.split("-");
    const down = way === "down";
    const keyed = groups.map((group, index) => [valueOf(group, what, down), index, group]);
    keyed.sort(([a, i], [b, j]) => {
      if (a === b) return i - j;
      if (a === null || b === null) return a === null ? 1 : -1;
      return (a < b ? -1 : 1) * (down ? -1 : 1);
    });
    return keyed.map((one) => one[2]);
  };

  const passes = (entry, wish) => {
    if (wish.run !== "" && (entry.run !== Number(wish.run) || entry.rank === null)) return false;
    if (wish.type && entry.type !== wish.type) return false;
    if (wish.size && entry.size !== wish.size) return false;
    const code = wish.kind ? 1 + data.kinds.findIndex((kind) => kind.name === wish.kind) : null;
    const wrong = (kind) => (code === null ? kind > 1 : kind === code);
    if (wish.keypoint !== "") return entry.kinds.length > 0 && wrong(entry.kinds[Number(wish.keypoint)]);
    return code === null || entry.kinds.some(wrong);
  };

  const wishes = () => {
    const value = (name) => (form.elements[name] ? form.elements[name].value : "");
    return {
      order: value("order"), type: value("type"), kind: value("kind"), keypoint: value("keypoint"),
      size: value("size"), run: value("run"), search: value("search").trim().toLowerCase(),
    };
  };

  const shapeOf = (kind) =>
    draw("svg", { viewBox: "-7 -7 14 14", class: "shape", "aria-hidden": "true" },
      draw("path", { d: data.kinds[kind - 1].shape, style: `fill:var(--${data.kinds[kind - 1].name})` }));

  /** Truth and prediction in pixels of the picture, on its crop or on a plain ground of its size. */
  const scene = (entry, picture, pixels) => {
    const [x, y, width, height] = picture.crop;
    const unit = Math.max(width, height) / pixels;
    const box = make("span", "scene");
    const side = Math.max(width, height);
    const view = [x - (side - width) / 2, y - (side - height) / 2, side, side];
    const parts = [];
    if (picture.jpeg) {
      parts.push(draw("image", { href: `data:image/jpeg;base64,${picture.jpeg}`, x, y, width, height, preserveAspectRatio: "none" }));
    } else if (picture.size[0] && picture.size[1]) {
      parts.push(draw("rect", { x: 0, y: 0, width: picture.size[0], height: picture.size[1], class: "blank" }));
    }
    const line = (a, b, name, more) => draw("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], class: name, ...more });
    const bones = (xy, seen, name) => {
      const drawn = data.limbs.filter(([a, b]) => seen(a) && seen(b));
      return [...drawn.map(([a, b]) => line(xy[a], xy[b], "halo")), ...drawn.map(([a, b]) => line(xy[a], xy[b], name))];
    };
    const labelled = (k) => entry.visibility[k] > 0;
    const truth = draw("g", { class: "truth" }, ...(entry.truthXy.length ? bones(entry.truthXy, labelled, "t") : []));
    entry.truthXy.forEach((xy, k) => {
      if (labelled(k)) truth.append(draw("circle", { cx: xy[0], cy: xy[1], r: 2.4 * unit, class: "tp" }));
    });
    const pred = draw("g", { class: "pred" });
    if (entry.xy.length) {
      pred.append(...bones(entry.xy, (k) => isFound(entry, k), "p"));
      entry.xy.forEach((xy, k) => {
        const kind = entry.kinds[k] || 0;
        if (kind > 1 && entry.truthXy.length && labelled(k) && isFound(entry, k)) {
          pred.append(line(xy, entry.truthXy[k], "lead-line", { style: `stroke:var(--photo-${data.kinds[kind - 1].name})` }));
        }
      });
      entry.xy.forEach((xy, k) => {
        if (!isFound(entry, k)) return;
        const kind = entry.kinds[k] || 0;
        const at = `translate(${xy[0].toFixed(1)} ${xy[1].toFixed(1)}) scale(${unit.toFixed(4)})`;
        const look = kind
          ? { d: data.kinds[kind - 1].shape, style: `fill:var(--photo-${data.kinds[kind - 1].name})`, class: "kp" }
          : { d: "M0 -3A3 3 0 1 1 0 3A3 3 0 1 1 0 -3Z", fill: "#fff", class: "kp dim" };
        pred.append(draw("path", { ...look, transform: at }, draw("title", {}, data.keypoints[k])));
      });
    }
    parts.push(truth, pred);
    box.append(draw("svg", { viewBox: view.join(" "), "aria-hidden": "true" }, ...parts));
    return box;
  };

  const TYPES = { matched: "matched", "false positive": "false positive: nobody there", "false negative": "false negative: not found" };
  const short = (entry) => (entry.oks === null ? entry.type : `OKS ${fixed(entry.oks)}`);

  const facts = (entry) => {
    const box = make("div", "facts");
    box.append(make("div", "row", make("span", "what", entry.oks === null ? TYPES[entry.type] : `OKS ${fixed(entry.oks)}`)));
    const row = make("div", "row");
    if (entry.score !== null) row.append(make("span", "", `score ${Number(entry.score.toPrecision(4))}`));
    if (entry.area !== null) row.append(make("span", "", `${Math.round(entry.area).toLocaleString("en")} px²`));
    box.append(row);
    const errors = make("div", "errors");
    data.kinds.forEach((kind, index) => {
      const count = entry.kinds.filter((code) => code === index + 1).length;
      if (count) {
        const one = make("span", "", shapeOf(index + 1), ` ${count}`);
        one.title = `${count} ${kind.name}`;
        errors.append(one);
      }
    });
    const nowhere = entry.xy.filter((_, k) => !isFound(entry, k)).length;
    if (nowhere) errors.append(make("small", "", `${nowhere} at (0, 0), not drawn`));
    box.append(errors);
    return box;
  };

  let shown = [];
  const card = (group, position) => {
    const name = make("bdi", "name", group.picture.name || "picture without a name");
    name.title = group.picture.name;
    const first = present(group)[0];
    const id = first.truth !== null ? `person ${first.truth}` : `detection ${first.detection}`;
    const halves = make("div", "halves");
    if (two) halves.style.setProperty("--halves", "2");
    group.entries.slice(0, data.runs.length).forEach((entry, run) => {
      const half = make("div", "half");
      if (entry) {
        const open = make("button", "open", scene(entry, group.picture, 240));
        open.type = "button";
        open.setAttribute("aria-label", `${two ? "AB"[run] + ", " : ""}${group.picture.name}, ${id}, ${short(entry)}`);
        open.addEventListener("click", () => show(position));
        half.append(open, facts(entry));
        if (two) half.querySelector(".what").prepend(make("b", "letter", "AB"[run]), " ");
      } else {
        half.append(make("div", "absent", `${"AB"[run]}: no such detection`));
      }
      halves.append(half);
    });
    return make("article", "entry", make("div", "top", name, make("span", "", id)), halves);
  };

  const render = () => {
    const wish = wishes();
    const all = grouped();
    shown = sorted(all, wish.order).filter(
      (group) =>
        (!wish.search || group.picture.name.toLowerCase().includes(wish.search)) &&
        present(group).some((entry) => passes(entry, wish)),
    );
    cards.replaceChildren(...shown.map(card));
    const order = form.elements.order.selectedOptions[0].text;
    document.getElementById("shown").textContent =
      `${shown.length} of ${all.length} ${two ? "pairs" : "people"} shown, sorted by: ${order}.`;
  };

  const detail = document.getElementById("detail");
  let current = 0;

  const keypointTable = (entry) => {
    const head = ["keypoint", "", "px off", "similarity", "score"];
    const rows = data.keypoints.map((name, k) => {
      const kind = entry.kinds[k] || 0;
      const labelled = entry.visibility.length > 0 && entry.visibility[k] > 0;
      const apart = labelled && entry.xy.length
        ? Math.hypot(entry.xy[k][0] - entry.truthXy[k][0], entry.xy[k][1] - entry.truthXy[k][1]) : null;
      const what = make("td", "");
      if (kind) what.append(shapeOf(kind), ` ${data.kinds[kind - 1].name}`);
      else what.append(entry.visibility.length && !labelled ? "not labelled" : labelled ? "not found" : "");
      if (entry.xy.length && !isFound(entry, k)) what.append(make("small", "", " at (0, 0), not drawn"));
      const label = make("th", "", name);
      label.scope = "row";
      const cells = [apart === null ? "–" : apart.toFixed(1), fixed(entry.ks.length ? entry.ks[k] : null),
        entry.scores.length ? fixed(entry.scores[k], 2) : "–"];
      return make("tr", "", label, what, ...cells.map((text) => make("td", "", text)));
    });
    const heads = head.map((text) => make("th", "", text));
    return make("table", "", make("thead", "", make("tr", "", ...heads)), make("tbody", "", ...rows));
  };

  const show = (position) => {
    current = (position + shown.length) % shown.length;
    const group = shown[current];
    document.getElementById("detail-title").textContent =
      `${current + 1} of ${shown.length}: ${group.picture.name || "picture without a name"}`;
    const blocks = present(group).map((entry) => {
      const about = make("div", "", facts(entry), keypointTable(entry));
      const where = [entry.truth === null ? null : `annotation ${entry.truth}`,
        entry.detection === null ? null : `detection ${entry.detection} (row of the file, from 0)`];
      about.querySelector(".facts").append(make("small", "", where.filter(Boolean).join(", ")));
      if (two) about.prepend(make("h3", "", make("b", "letter", "AB"[entry.run]), " ", make("bdi", "", data.runs[entry.run])));
      return make("div", "detail-run", scene(entry, group.picture, 480), about);
    });
    document.getElementById("detail-body").replaceChildren(...blocks);
    if (!detail.open) detail.showModal();
  };

  const layers = () => {
    const layer = chosen("layers");
    for (const element of [cards, detail]) {
      for (let k = 0; k < 4; k += 1) element.classList.toggle(`layer-${k}`, k === layer);
    }
  };

  if (form) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => (event.target.name === "layers" ? layers() : render()));
    form.addEventListener("reset", () => setTimeout(() => { layers(); render(); }));
    document.getElementById("previous").addEventListener("click", () => show(current - 1));
    document.getElementById("next").addEventListener("click", () => show(current + 1));
    document.getElementById("close").addEventListener("click", () => detail.close());
    detail.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") show(current - 1);
      if (event.key === "ArrowRight") show(current + 1);
    });
    detail.addEventListener("click", (event) => { if (event.target === detail) detail.close(); });
    layers();
    render();
  }
}
