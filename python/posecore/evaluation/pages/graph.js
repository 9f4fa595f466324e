// Graphs: zoom, move, find, choose. Each figure is one graph; what is known of its boxes lies in graph-N.
(() => {
  const LEAST = 0.02, MOST = 4;
  const boxes = content("boxes");
  const graphs = [...document.querySelectorAll(".graph[data-graph]")].map(setUp);

  function setUp(figure) {
    const index = Number(figure.dataset.graph);
    const known = content(`graph-${index}`);
    const view = figure.querySelector(".view"), svg = view.querySelector("svg"), panel = figure.querySelector(".chosen");
    const width = Number(svg.getAttribute("width")), height = Number(svg.getAttribute("height"));
    const nodes = [...svg.querySelectorAll(".node")], lines = [...svg.querySelectorAll(".lines path")];
    const find = figure.querySelector("input"), hits = figure.querySelector(".hits");
    const words = known.map((one, i) => [one.kind, one.name, nodes[i].getAttribute("aria-label")].join(" ").toLowerCase());
    let zoom = 1, on = -1, found = [];

    /** Zoom so that what is at (x, y) of the view stays there. */
    function scale(wanted, x = view.clientWidth / 2, y = view.clientHeight / 2) {
      const next = Math.min(MOST, Math.max(LEAST, wanted));
      const rect = svg.getBoundingClientRect(), frame = view.getBoundingClientRect();
      const left = (frame.left + x - rect.left) / zoom, top = (frame.top + y - rect.top) / zoom;
      zoom = next;
      svg.setAttribute("width", width * zoom);
      svg.setAttribute("height", height * zoom);
      const moved = svg.getBoundingClientRect();
      view.scrollLeft += moved.left + left * zoom - (frame.left + x);
      view.scrollTop += moved.top + top * zoom - (frame.top + y);
    }

    function whole() {
      scale(Math.min(view.clientWidth / width, view.clientHeight / height) * 0.98);
    }

    /** Move the view so that a box is in it. */
    function show(number) {
      const box = nodes[number].getBoundingClientRect(), frame = view.getBoundingClientRect();
      if (box.left < frame.left || box.right > frame.right) view.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
      if (box.top < frame.top || box.bottom > frame.bottom) view.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
    }

    function choose(number, { focus = false, follow = true } = {}) {
      if (on >= 0) nodes[on].classList.remove("on");
      for (const one of svg.querySelectorAll(".near, .lit")) one.classList.remove("near", "lit");
      on = number;
      nodes.forEach((node, i) => node.setAttribute("tabindex", i === number ? 0 : -1));
      nodes[number].classList.add("on");
      for (const line of lines) {
        const a = Number(line.dataset.a), b = Number(line.dataset.b);
        if (a !== number && b !== number) continue;
        line.classList.add("lit");
        nodes[a === number ? b : a].classList.add("near");
      }
      tell(number);
      show(number);
      if (focus) nodes[number].focus({ preventScroll: true });
      const twin = known[number].twin;
      if (!follow || !boxes) return;
      if (twin !== null && twin !== undefined) graphs[1 - index].choose(boxes[1 - index][twin], { follow: false });
      else graphs[1 - index].clear();
    }

    /** Nothing is chosen, since the other graph's box has no counterpart here. */
    function clear() {
      for (const one of svg.querySelectorAll(".on, .near, .lit")) one.classList.remove("on", "near", "lit");
      on = -1;
      panel.replaceChildren(make("p", "note", "Nothing stands for it here."));
    }

    function row(entries) {
      const list = make("dl", "");
      for (const [key, value] of entries) list.append(make("dt", "", key), make("dd", "", value));
      return list;
    }

    function tensors(title, entries) {
      if (!entries || !entries.length) return [];
      const list = make("ul", "");
      for (const [name, shape, type, kind, maker] of entries) {
        const item = make("li", "");
        if (maker !== null && maker !== undefined) {
          const button = make("button", "", "↑");
          button.type = "button";
          button.title = button.ariaLabel = "what makes it";
          button.addEventListener("click", () => choose(maker, { focus: true }));
          item.append(button);
        }
        item.append(make("b", "", shape), ` ${type}${kind ? ` · ${kind}` : ""}`, make("small", "", name));
        list.append(item);
      }
      return [make("h4", "", title), list];
    }

    function tell(number) {
      const one = known[number];
      const parts = [make("h3", "", one.kind), make("p", "name", one.name)];
      for (const sentence of one.says || []) parts.push(make("p", "", sentence));
      if (one.differences && one.differences.length) {
        const list = make("dl", "");
        for (const [what, first, second] of one.differences) {
          list.append(make("dt", "", what), make("dd", "", make("span", "was", first), " → ", make("span", "is", second)));
        }
        parts.push(make("h4", "", "differs, A → B"), list);
      }
      parts.push(row(one.rows), ...tensors("reads", one.reads), ...tensors("makes", one.makes));
      panel.replaceChildren(...parts);
      panel.scrollTop = 0;
    }

    function search() {
      const wanted = find.value.trim().toLowerCase();
      found = wanted ? words.map((text, i) => (text.includes(wanted) ? i : -1)).filter((i) => i >= 0) : [];
      svg.classList.toggle("searching", wanted !== "");
      const hit = new Set(found);
      nodes.forEach((node, i) => node.classList.toggle("hit", hit.has(i)));
      hits.textContent = wanted ? `${found.length} found` : "";
      if (found.length) show(found[0]);
    }

    find.addEventListener("input", search);
    find.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !found.length) return;
      event.preventDefault();
      const at = found.indexOf(on);
      choose(found[(at + (event.shiftKey ? found.length - 1 : 1)) % found.length]);
    });

    /** The next box, in the order of the file, that the other file has not or has otherwise. */
    function next() {
      const differing = nodes.map((node, i) => (/\b(changed|added|removed)\b/.test(node.getAttribute("class")) ? i : -1)).filter((i) => i >= 0);
      if (differing.length) choose(differing.find((i) => i > on) ?? differing[0]);
    }

    const actions = { next, in: () => scale(zoom * 1.3), out: () => scale(zoom / 1.3), one: () => scale(1), whole };
    for (const button of figure.querySelectorAll("[data-action]")) button.addEventListener("click", actions[button.dataset.action]);

    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const frame = view.getBoundingClientRect();
      scale(zoom * Math.exp(-event.deltaY / 400), event.clientX - frame.left, event.clientY - frame.top);
    }, { passive: false });

    // A mouse drags; fingers scroll by themselves. A drag of a few pixels is still a click.
    let start = null, dragged = false;
    view.addEventListener("pointerdown", (event) => {
      dragged = false;
      if (event.pointerType !== "mouse" || event.button !== 0) return;
      start = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
    });
    window.addEventListener("pointermove", (event) => {
      if (!start) return;
      const x = event.clientX - start.x, y = event.clientY - start.y;
      if (!dragged && Math.hypot(x, y) < 4) return;
      dragged = true;
      view.classList.add("moving");
      view.scrollLeft = start.left - x;
      view.scrollTop = start.top - y;
    });
    window.addEventListener("pointerup", () => {
      start = null;
      view.classList.remove("moving");
    });
    svg.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      if (node && !dragged) choose(Number(node.dataset.node), { focus: true });
    });
    svg.addEventListener("keydown", (event) => {
      const node = event.target.closest(".node");
      if (!node) return;
      const number = Number(node.dataset.node);
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(number, { focus: true });
        return;
      }
      const ways = { ArrowDown: [["a", "b"]], ArrowUp: [["b", "a"]] };
      let next = -1;
      if (ways[event.key]) {
        const [from, to] = ways[event.key][0];
        const line = lines.find((one) => Number(one.dataset[from]) === number);
        if (line) next = Number(line.dataset[to]);
      } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        const mine = node.getBoundingClientRect(), sign = event.key === "ArrowRight" ? 1 : -1;
        let best = Infinity;
        nodes.forEach((one, i) => {
          const box = one.getBoundingClientRect(), way = sign * (box.left - mine.left);
          if (Math.abs(box.top - mine.top) < 2 && way > 1 && way < best) [best, next] = [way, i];
        });
      } else return;
      event.preventDefault();
      if (next >= 0) choose(next, { focus: true });
    });

    // What is a little too wide is made to fit, what is much too wide stays readable.
    if (width > view.clientWidth) {
      scale(Math.max(0.8, view.clientWidth / width));
      view.scrollLeft = (svg.clientWidth - view.clientWidth) / 2;
      view.scrollTop = 0;
    }
    return { choose, clear };
  }

  for (const link of document.querySelectorAll("[data-show]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      document.getElementById("graph").scrollIntoView();
      graphs[0].choose(Number(link.dataset.show), { focus: true });
    });
  }
})();
