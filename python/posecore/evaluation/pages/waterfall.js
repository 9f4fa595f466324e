// The gain waterfall: a bar from one AP to the next, for the chosen area, threshold and way of correcting.
{
  const LABELS = { background_fp: "background FP", fn: "FN" };
  const KINDS = new Set(["miss", "swap", "inversion", "jitter"]);
  const runs = content("waterfall-data") || [];
  const threshold = document.querySelector('select[name="fall-threshold"]');

  const meanOf = (values) => {
    const known = values.filter((value) => value !== null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  };
  const apOf = (step) => (threshold.value === "mean" ? meanOf(step.ap) : step.ap[Number(threshold.value)]);

  const bar = (step, before, after) => {
    const low = Math.min(before, after);
    const mark = make("i", KINDS.has(step.name) ? `patch ${step.name}` : step.name);
    mark.style.left = `${100 * low}%`;
    mark.style.width = `${100 * Math.abs(after - before)}%`;
    mark.classList.toggle("loss", after < before);
    const end = make("s");
    end.style.left = `${100 * after}%`;
    return make("div", "track", mark, end);
  };

  const render = () => {
    for (const chart of document.querySelectorAll(".fall")) {
      const range = runs[Number(chart.dataset.run)][chosen("fall-area")];
      const progressive = chosen("fall-mode") === 0;
      const steps = range.modes[progressive ? 0 : 1];
      const base = steps.length ? apOf(steps[0]) : null;
      let before = base;
      const said = [];
      chart.replaceChildren();
      steps.forEach((step, index) => {
        const after = apOf(step);
        const from = index === 0 ? 0 : progressive ? before : base;
        const gain = index === 0 || after === null || from === null ? null : after - from;
        const label = LABELS[step.name] || step.name;
        chart.append(
          make("b", "", label),
          after === null || from === null ? make("div", "track") : bar(step, from, after),
          make("span", "value", fixed(after)),
          make("span", "gain", gain === null ? "" : signed(gain)),
        );
        said.push(`${label} ${fixed(after)}`);
        before = after;
      });
      const ticks = ["0", ".25", ".5", ".75", "1"].map((text) => make("span", "", text));
      chart.append(make("span"), make("div", "scale-row", ...ticks), make("small", "", "AP"), make("small", "", "gain"));
      chart.setAttribute("aria-label", `AP after each correction: ${said.join(", ")}`);
    }
    const mode = chosen("fall-mode") === 0 ? "corrections one after the other" : "each correction alone";
    const at = threshold.value === "mean" ? "mean of all thresholds" : `OKS ${threshold.selectedOptions[0].text}`;
    const range = runs[0][chosen("fall-area")];
    document.getElementById("fall-caption").textContent = `Shown: ${range.label}, ${mode}, ${at}.`;
  };

  if (threshold && runs.length) {
    threshold.addEventListener("change", render);
    for (const button of document.querySelectorAll('input[name="fall-area"], input[name="fall-mode"]')) {
      button.addEventListener("change", render);
    }
    render();
  }
}
