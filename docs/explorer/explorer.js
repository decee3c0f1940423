/* The page of the explorer. */
"use strict";

{
  /** @typedef {Record<string, any>} State by the names of the controls
   * @typedef {ArrayLike<number>} Row one number a layer, 0 the inputs
   * @typedef {{layers: Record<string, Row>, notFinite: number, histograms: any[]}} Seed
   * @typedef {{y: number[], low?: number[], high?: number[], kind: string, name?: string}} Line
   * @typedef {{layer: number, text: string, isPart?: boolean}} Mark */

  /** @type {any} */
  const root = document.getElementById("explorer");
  root.append(root.querySelector("template").content);
  /** @type {(selector: string) => any} */
  const find = (selector) => root.querySelector(selector);
  /** @type {any[]} */
  const fields = [...root.querySelectorAll("form select, form input")];
  const links = root.querySelectorAll("nav a");
  /** @type {State} */
  let state = {};

  /* The state and the address. The slider of the gain is logarithmic. */

  /** @type {(field: any, shown: string) => number} */
  const real = ({ name }, shown) => (name === "gain" ? +(10 ** +shown).toPrecision(3) : +shown);

  /** @type {(field: any) => string | number} */
  const initial = (field) => (field.options ? field.options[0].value : real(field, field.defaultValue));

  /** The valid value nearest to a text; where none is near, the initial one.
   * @param {any} field @param {string} asked */
  function nearest(field, asked) {
    const plain = (/** @type {string} */ s) => s.toLowerCase().replace(/[^a-z]/g, "");
    const same = [...field.options ?? []].find((o) => plain(o.value) === plain(asked));
    if (same) return same.value;
    if (field.options || !asked.trim() || Number.isNaN(+asked)) return initial(field);
    const inside = Math.min(Math.max(+asked, real(field, field.min)), real(field, field.max));
    return field.step >= 1 ? Math.round(inside / field.step) * field.step : inside;
  }

  /** Take a value over, and say so if it is not the one asked for.
   * @param {any} field @param {string} asked */
  function take(field, asked) {
    const value = (state[field.name] = nearest(field, asked));
    return asked === value || +asked === value ? "" : `${field.name} cannot be “${asked}”, so it is ${value}. `;
  }

  function readAddress() {
    const { hash, search } = location;
    note = "";
    for (const field of fields) state[field.name] = initial(field);
    for (const [name, asked] of new URLSearchParams(hash.includes("=") ? hash.slice(1) : search)) {
      const field = fields.find((f) => f.name === name);
      note += field ? take(field, asked) : `There is no control “${name}”. `;
    }
    note &&= `The address does not fit: ${note}`;
    show();
  }

  /** @type {(field: any) => boolean} */
  const isUsed = ({ parentNode }) => [undefined, state.initializer].includes(parentNode.dataset.only);

  const address = () => `#${fields
    .filter((f) => isUsed(f) && !(f.dataset.rare && state[f.name] === initial(f)))
    .map((f) => `${f.name}=${state[f.name]}`).join("&")}`;

  /** What the page says of the chosen option. @param {string} name */
  const chosen = (name) => find(`[value=${state[name]}]`).dataset;

  /** Show the state in the controls and the code. */
  function show() {
    find(".note").textContent = note;
    for (const field of fields) {
      const value = state[field.name];
      const output = field.parentNode.querySelector("output");
      field.parentNode.hidden = !isUsed(field);
      if (output) {
        output.textContent = value;
        field.setAttribute("aria-valuetext", value);
      }
      if (field.type !== "number" || field !== document.activeElement) {
        field.value = field.name === "gain" ? Math.log10(value) : value;
      }
    }
    const random = state.stddev ** 2 * state.width > 2 ? "wide" : "narrow";
    root.style.setProperty("--tone", `var(--x-${chosen("initializer").tone ?? random})`);
    root.style.setProperty("--dash", chosen("activation").dash ?? "none");
    find("code").innerHTML = code(state).replace( // of our own: needs no escape
      /(#.*)|("[^"]*")|\b(import|from|for|in)\b|\b(\d[\d.e-]*)\b/g,
      (all, ...kinds) => `<span class="${["c1", "s2", "k", "mi"][kinds.findIndex(Boolean)]}">${all}</span>`,
    );
    for (const link of links) link.toggleAttribute("aria-current", link.hash === address());
    ask();
  }

  /** @param {(go: () => void) => void} later @param {() => void} work */
  function once(later, work) {
    let isDue = false;
    return () => {
      if (!isDue) later(() => { isDue = false; work(); });
      isDue = true;
    };
  }

  let note = "";
  // Browsers take a hundred changes of the address in thirty seconds.
  const write = once((go) => setTimeout(go, 400), () => history.replaceState(null, "", address()));
  const react = once(requestAnimationFrame, () => { show(); write(); });
  find("form").oninput = (/** @type {any} */ { target }) => {
    note = take(target, target.name === "gain" ? `${real(target, target.value)}` : target.value);
    react();
  };

  /** The lines of Keras. @param {State} s */
  function code(s) {
    const { keras, scaling } = chosen("initializer");
    const [scale, ...kind] = scaling?.split(" ") ?? [s.scale, s.mode, s.distribution];
    const exact = (/** @type {number} */ x) => +x.toPrecision(7);
    const kernel = keras === "RandomNormal" ? `(stddev=${exact(s.stddev * s.gain)})`
      : keras === "VarianceScaling" || (scaling && s.gain !== 1)
        ? `(\n        ${exact(scale * s.gain ** 2)}, "${kind.join('", "')}")`
        : s.gain === 1 ? "()" : `(gain=${s.gain})`;
    const isPrelu = s.activation === "prelu";
    return `import keras
from keras import initializers, layers

keras.utils.set_random_seed(${s.seed})
model = keras.Sequential([keras.Input((${s.width},))])
for _ in range(${s.depth}):
    # A new one each time: one and the same
    # would draw the same kernel every time.
    kernel = initializers.${kernel.includes("\n") ? "VarianceScaling" : keras}${kernel}
    model.add(layers.Dense(
        ${s.width}, ${isPrelu ? "" : `"${s.activation}", `}kernel_initializer=kernel))
${isPrelu ? "    model.add(layers.PReLU())\n" : ""}`;
  }

  /* Ask the engine */

  // @ts-ignore: of engine.js. From file:// a worker starts from a blob only.
  const worker = new Worker(URL.createObjectURL(new Blob([`(${explorerEngine})(self)`])));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {{id: number, state: State, seeds: Seed[], theory?: any, isDone?: boolean}} */
  let next = { id: 0, state: {}, seeds: [] };
  let shown = next; // stays until something of the next is there

  function ask() {
    const wanted = { ...state, batch: 64 };
    if (JSON.stringify(wanted) === JSON.stringify(next.state)) return;
    next = { id: next.id + 1, state: wanted, seeds: [] };
    find(".verdict").setAttribute("aria-busy", "true"); // nobody reads out the old one
    root.dataset.done = "";
    root.dataset.old = ""; // what is drawn
    root.dataset.computing = "Computing the new network";
    worker.postMessage({ type: "run", id: next.id, state: wanted });
  }

  worker.onmessage = ({ data }) => {
    if (data.id !== next.id) return; // of a state that is past
    if (data.type === "theory") next.theory = data;
    else if (data.type === "seed") next.seeds.push(data);
    else next.isDone = true;
    if (!next.seeds.length || !next.theory) return;
    shown = next;
    if (next.isDone || next.seeds.length < 2 || !calm.matches) plan();
  };

  const plan = once(requestAnimationFrame, () => shown.seeds.length && draw());

  /* Numbers and words */

  /** As it is read: 0.71, 12, 3 × 10⁻⁸; exactly, with `more` digits.
   * @param {number} x @param {number} [more] */
  function tell(x, more = 0) {
    const size = Math.abs(x);
    if (!x) return x === 0 ? "0" : "not a number";
    if (size === Infinity) return "infinite";
    const isPlain = size >= 0.001 && size < 9999.5;
    const [digits, power] = x.toExponential(more).split("e");
    const raised = [...`${+power}`].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[+c] ?? "⁻").join("");
    const short = x.toPrecision(2 + more);
    return (isPlain ? more || size < 99.5 ? short : `${+short}` : `${digits} × 10${raised}`).replace("-", "−");
  }
  const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;

  /** Median and range over the seeds, layer by layer; NaN is beyond all.
   * @param {string} name @param {(x: number) => number} [change] */
  function overSeeds(name, change = (x) => x) {
    const { seeds } = shown;
    const at = Array.from(seeds[0].layers[name], (_, l) => seeds.map(({ layers }) => change(layers[name][l]))
      .sort((a, b) => +Number.isNaN(a) - +Number.isNaN(b) || a - b));
    return {
      y: at.map((v) => (v[(seeds.length - 1) >> 1] + v[seeds.length >> 1]) / 2),
      low: at.map((v) => v[0]),
      high: at.map((v) => v.filter(Number.isFinite).pop() ?? NaN),
    };
  }

  /** What becomes of a size on its way. The bounds stand in index.md.
   * @param {string} what @param {string} way @param {number[]} sizes @param {string} end
   * @param {(step: number) => string} beyond where its numbers end */
  function fate(what, way, sizes, end, beyond) {
    const stop = sizes.findIndex((s) => !(s > 0 && s < Infinity));
    const last = stop < 0 ? sizes.length - 1 : stop - 1;
    const left = sizes[last] / sizes[0];
    const total = stop < 0 ? left : sizes[stop];
    const verb = total < 0.01 ? "vanishes" : total < 0.1 ? "shrinks" : total <= 10 ? "keeps its size"
      : total <= 100 ? "grows" : "explodes";
    const factor = last && verb[0] !== "k" ? `, by a factor of ${tell(left ** (1 / last))} per layer` : "";
    const rest = stop >= 0 ? `it is ${tell(total)} ${beyond(stop)}`
      : left < 1 ? `${tell(left)} of it is left ${end}` : `it is ${tell(left)} times as large ${end}`;
    return `<b>The ${what} ${verb}</b>${way}${factor}: ${rest}.`;
  }

  /** @param {Record<string, {y: number[]}>} m @param {string} gone @param {string} partly */
  function verdict({ secondMoment, activationGradient, saturated, dead, cosine }, gone, partly) {
    const { depth, activation, batch } = shown.state;
    const most = (/** @type {number[]} */ y) => y.reduce((at, v, l) => (v > (y[at] || 0) ? l : at), 0);
    const ends = most(saturated.y);
    const zeros = most(dead.y);
    return [
      fate("signal", "", secondMoment.y.map(Math.sqrt), `after ${depth} layer${depth > 1 ? "s" : ""}`, (l) => `from layer ${l} on`),
      gone ? `<b>No gradient comes back</b>: ${gone}.`
        : fate("gradient", " on its way back", [...activationGradient.y].reverse(), "at the inputs", (l) => `from layer ${depth - l} down`),
      partly && `The signal is ${partly}.`,
      saturated.y[ends] >= 0.05 && `<b>Saturated</b>: ${percent(saturated.y[ends])} of the outputs of layer ${ends} sit at an end of the ${activation}, ${percent(saturated.y[depth])} in the last layer.`,
      dead.y[zeros] >= 0.05 && `${dead.y[zeros] >= 0.6 ? "<b>Dead</b>: " : ""}${percent(dead.y[zeros])} of the units of layer ${zeros} are 0 for all ${batch} examples${dead.y[zeros] >= 0.6 ? "" : ", as is normal for ReLU before training"}.`,
      cosine.y[depth] >= 0.9 && `<b>All examples look alike</b> in the last layer: the cosine between two of them is ${cosine.y[depth].toFixed(3)}.`,
    ].filter(Boolean).join(" ");
  }

  /** Where the signals stop being finite, or become 0. @return {Mark=} */
  function signalEnd() {
    const ends = shown.seeds.map(({ notFinite, layers: { secondMoment } }) => {
      const layer = notFinite < 0 ? Array.from(secondMoment).indexOf(0) : notFinite;
      return { layer, text: `${tell(secondMoment[layer])} from layer ${layer}` };
    }).filter(({ layer }) => layer > 0).sort((a, b) => a.layer - b.layer);
    const [mark] = ends, isPart = ends.length < shown.seeds.length;
    if (mark && isPart) mark.text += ` in ${ends.length} of ${shown.seeds.length} seeds`;
    return mark && { ...mark, isPart };
  }

  /* Drawing */

  function draw() {
    const { state: s, theory, isDone } = shown;
    const mark = signalEnd();
    const m = Object.fromEntries(Object.keys(shown.seeds[0].layers).map((name) => [name, overSeeds(name)]));
    const limit = { kind: "theory", name: "theory" };
    linePlot("signal", mark, [
      { ...limit, y: Array.from(theory.secondMoment, Math.sqrt) },
      { ...overSeeds("variance", Math.sqrt), kind: "thin", name: "spread" },
      { ...overSeeds("secondMoment", Math.sqrt), kind: "main", name: "size" },
    ]);
    const { y } = m.activationGradient;
    const end = y.map((g) => g > 0 && g < Infinity).lastIndexOf(false);
    const gone = end < s.depth - 1 ? "" : `∂L/∂h is ${tell(y[end])}, ∂L/∂W is ${tell(m.kernelGradient.y[s.depth])}`;
    linePlot("gradient", end < 0 ? undefined : { layer: end, text: `${tell(y[end])} from layer ${end} down` }, [
      { ...limit, y: [...theory.activationGradient] },
      { ...m.kernelGradient, kind: "thin", name: "∂L/∂W" },
      { ...m.activationGradient, kind: "main", name: "∂L/∂h" },
    ], gone);
    linePlot("cosine", mark, [{ ...m.cosine, kind: "main" }]);
    const hasEnds = m.saturated.y[1] >= 0;
    find("[data-plot=share] figcaption").textContent = `share of ${hasEnds ? "saturated outputs" : "dead units"}`;
    linePlot("share", mark, [{ ...(hasEnds ? m.saturated : m.dead), kind: "main" }],
      hasEnds || m.dead.y[1] >= 0 ? "" : "no end, no zero to stick to");
    histograms();
    const box = find(".verdict");
    const said = verdict(m, gone, mark?.isPart ? mark.text : "");
    if (box.innerHTML !== said) box.innerHTML = said;
    box.setAttribute("aria-busy", !isDone);
    root.dataset.done = isDone ? shown.id : "";
    if (shown === next) {
      delete root.dataset.old;
      root.dataset.computing = `Computing: ${shown.seeds.length} of ${s.seeds} networks`;
      if (isDone) delete root.dataset.computing;
    }
    readings = { size: m.secondMoment.y.map(Math.sqrt), spread: m.variance.y.map(Math.sqrt), "∂L/∂h": y, "∂L/∂W": m.kernelGradient.y, cosine: m.cosine.y, [hasEnds ? "saturated" : "dead"]: (hasEnds ? m.saturated : m.dead).y };
    const wasLast = reading.value === reading.max;
    reading.max = s.depth;
    if (wasLast) reading.value = s.depth;
    read();
    find(".protocol b").textContent = `${s.activation}, ${s.initializer}: ${s.depth} layers of ${s.width} units, ${s.seeds} networks.`;
    const heads = [...root.querySelectorAll("[data-of]")];
    const cell = (/** @type {string} */ of, /** @type {number} */ l) =>
      `<td>${Number.isNaN(m[of].y[l]) && (!l || /sat|dead/.test(of)) ? "–" : tell(m[of].y[l])}</td>`;
    find("tbody").innerHTML = y.map((_, l) =>
      `<tr><th scope="row">${l}</th>${heads.map(({ dataset }) => cell(dataset.of, l)).join("")}</tr>`).join("");
  }

  /** @type {(x: number, y: number, words: string, kind?: string) => string} */
  const text = (x, y, words, kind = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${kind}">${words}</text>`;
  /** @type {(kind: string, d: string) => string} */
  const path = (kind, d) => `<path d="${d}" class="${kind}"/>`;

  /** @param {string} name @param {string} label for those who cannot see it
   * @param {(width: number, height: number) => string} content */
  function put(name, label, content) {
    const svg = find(`[data-plot=${name}] svg`);
    const { width, height } = svg.getBoundingClientRect();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", `${svg.previousSibling.textContent}: ${label}`);
    svg.innerHTML = content(width, height);
  }

  /** Lines over the layers; with names at their ends, logarithmic.
   * @param {string} name @param {Mark | undefined} mark @param {Line[]} lines the main one last
   * @param {string} [empty] why there is none */
  function linePlot(name, mark, lines, empty) {
    const { depth } = shown.state;
    const isLog = Boolean(lines[0].name);
    const main = lines[lines.length - 1].y;
    const label = empty || `${tell(main[1])} in layer 1, ${tell(main[depth])} in layer ${depth}${mark ? `; ${mark.text}` : ""}`;
    put(name, label, (width, height) => {
      if (empty) return text(width / 2, height / 2, empty, "middle");
      const left = 38, top = 8, right = width - (isLog ? 52 : 12), bottom = height - 20;
      const up = (/** @type {number} */ v) => (isLog ? Math.log10(v) : v);
      const seen = lines.flatMap(({ low = [], high = [] }) => [...low, ...high]).map(up).filter(Number.isFinite);
      const low = isLog ? Math.floor(Math.min(-1, ...seen)) : Math.min(...seen) < -0.2 ? -1 : 0;
      const high = Math.ceil(Math.max(1, ...seen) - 1e-9);
      const x = (/** @type {number} */ l) => left + ((right - left) * l) / depth;
      places[name] = { left, right, top, bottom };
      const y = (/** @type {number} */ v) => bottom - ((bottom - top) * (v - low)) / (high - low);
      const step = isLog ? 2 ** Math.max(0, Math.ceil(Math.log2((high - low) / 6))) : 0.5;
      let svg = path("axis", `M${left} ${bottom}H${right}`);
      for (let t = Math.ceil(low / step) * step; t <= high; t += step) {
        const power = `10<tspan dy="-4">${`${t}`.replace("-", "−")}</tspan>`;
        svg += path("grid", `M${left} ${y(t)}H${right}`)
          + text(left - 6, y(t) + 4, !isLog ? (name === "share" ? percent(t) : `${t}`) : t ? power : "1", "end");
      }
      if (isLog) svg += text(right + 14, bottom + 16, "layer");
      const every = [1, 2, 5, 10, 20].find((n) => (depth / n) * 40 < right - left) ?? 50;
      for (let t = 0; t <= depth; t += every) svg += path("axis", `M${x(t)} ${bottom}v3.5`) + text(x(t), bottom + 16, `${t}`, "middle");
      let inner = "";
      /** @type {any[]} */
      const names = [];
      for (const { y: middle, low: least, high: most, kind, name: said } of lines) {
        // What is 0 or infinite leaves the plot, and a svg of its own cuts it.
        const points = (/** @type {number[]} */ edge) => edge
          .map((v, l) => [x(l), Math.min(Math.max(y(up(v)), -99), height + 99)]).filter(([, v]) => v > -999);
        const join = (/** @type {number[][]} */ all) => all.map((p) => p.map((v) => v.toFixed(1))).join("L");
        const drawn = points(middle);
        if (least && most) inner += path("band", `M${join([...points(most), ...points(least).reverse()])}Z`);
        inner += path(kind, `M${join(drawn)}`);
        const last = drawn.filter(([, v]) => v > top - 1 && v < bottom + 1).pop();
        if (said && last) names.push({ at: last[0] + 6, y: last[1], kind, said });
      }
      svg += `<svg y="${top - 2}" width="${width}" height="${bottom - top + 4}" viewBox="0 ${top - 2} ${width} ${bottom - top + 4}">${inner}</svg>`;
      names.sort((a, b) => a.y - b.y).forEach((n, i) => {
        n.y = Math.max(n.y, i ? names[i - 1].y + 14 : 0);
      });
      let floor = bottom + 10;
      for (const n of names.reverse()) {
        floor = Math.min(n.y, floor - 14);
        svg += text(n.at, floor + 4, n.said, n.kind);
      }
      if (mark) {
        const isLate = mark.layer > depth / 2;
        svg += path("bad", `M${x(mark.layer)} ${top}V${bottom}`);
        if (isLog) svg += text(x(mark.layer) + (isLate ? -6 : 6), bottom - 8, mark.text, isLate ? "bad end" : "bad");
      }
      return svg;
    });
  }

  /* One layer, exactly: the slider's, or the one under the pointer. */

  /** @type {Record<string, {left: number, right: number, top: number, bottom: number}>} */
  const places = {};
  /** @type {Record<string, number[]>} */
  let readings = {};
  const reading = find("#x-layer");
  const read = () => {
    const said = Object.entries(readings).filter(([, y]) => !Number.isNaN(y[reading.value]))
      .map(([name, y]) => `${name} ${tell(y[reading.value], 3)}`).join(", ");
    find(".reading output").textContent = `${reading.value}: ${said}`;
    reading.setAttribute("aria-valuetext", `${reading.value}: ${said}`);
    for (const [name, { left, right, top, bottom }] of Object.entries(places)) {
      const svg = find(`[data-plot=${name}] > svg`);
      svg.querySelector(".cursor")?.remove();
      const x = left + ((right - left) * reading.value) / reading.max;
      if (svg.querySelector(".main")) svg.insertAdjacentHTML("beforeend", path("cursor", `M${x} ${top}V${bottom}`));
    }
  };
  reading.oninput = read;
  root.addEventListener("pointermove", (/** @type {any} */ { target, clientX }) => {
    const svg = target.closest("[data-plot] > svg");
    const place = svg && places[svg.parentNode.dataset.plot];
    if (!place) return;
    const share = (clientX - svg.getBoundingClientRect().left - place.left) / (place.right - place.left);
    reading.value = Math.round(share * reading.max);
    read();
  });

  function histograms() {
    const all = shown.seeds[0].histograms;
    put("histograms", `layers ${all.map((g) => g.layer).join(", ")}`, (width, height) => all.map(({ layer, low, high, counts }, at) => {
      const each = (width + 14) / all.length - 14, left = at * (each + 14), bottom = height - 18;
      const most = Math.max(...counts);
      const stairs = counts.map((/** @type {number} */ count, /** @type {number} */ i) =>
        `V${bottom - (bottom - 22) * Math.sqrt(count / most)}H${left + (each * (i + 1)) / counts.length}`).join("");
      return text(left, 14, `layer ${layer}`) + (most ? path("stairs", `M${left} ${bottom}${stairs}V${bottom}Z`)
        + text(left, height - 3, tell(low)) + text(left + each, height - 3, tell(high), "end")
        : text(left, bottom - 20, "not finite", "bad"));
    }).join(""));
  }

  find(".code").innerHTML = "<pre><code></code></pre>";
  for (const link of links) link.href = `#${link.dataset.state}`;
  // Not the page: a sentence makes it higher.
  const sizes = new ResizeObserver(plan);
  for (const svg of root.querySelectorAll("figure > svg")) sizes.observe(svg);
  addEventListener("hashchange", () => {
    if (location.hash.includes("=")) readAddress();
  });
  readAddress();
}
