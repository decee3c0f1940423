/* The computing half of the explorer: a deep network at its initialization,
   as Keras draws it and in Keras's precision. */
"use strict";

/**
 * @typedef {{initializer: string, stddev: number, scale: number, mode: string,
 *   distribution: string, gain: number, activation: string, depth: number,
 *   width: number, batch: number, seeds: number, seed: number}} State
 *   names and meanings as in Keras; gain multiplies every kernel, the width is
 *   at least 4, so many networks have the seeds from seed on
 * @typedef {Record<"secondMoment" | "variance" | "cosine" | "saturated" | "dead"
 *   | "activationGradient" | "kernelGradient", Float64Array>} Layers
 *   one number a layer, 0 for the inputs; NaN where there is none
 * @typedef {{layer: number, low: number, high: number, counts: number[],
 *   bottom: number, top: number}} Histogram bottom and top: shares outside
 * @typedef {{layers: Layers, notFinite: number, histograms: Histogram[]}} Result
 *   notFinite: the first such layer, or -1
 * @typedef {{kernels: Float32Array[], inputs: Float32Array, gradient: Float32Array}} Given
 *   instead of draws, row by row; gradient: dL/dh of the last layer
 * @typedef {Float32Array | Float64Array} Floats
 * @typedef {{f: (z: number) => number, slope: (z: number, f: number) => number,
 *   bounds?: number[]}} Activation
 */

/**
 * Refers to nothing outside, so that its source text makes a worker.
 * @param {any} scope a worker's `self`, which then answers, or {}
 */
function explorerEngine(scope) {
  const CHUNK = 2e6; // multiplications between two looks at the clock
  const SLICE = 8; // milliseconds between two looks at the messages

  /* Activations */

  const SELU = 1.0507009873554805; // its scale
  const SELU_DEPTH = SELU * 1.6732632423543772; // times its alpha

  /** @param {number} z */
  const gauss = (z) => Math.exp((-z * z) / 2) * 0.3989422804014327;

  /** (1 + erf(z / √2)) / 2, to 1e-9. @param {number} z */
  function below(z) {
    if (Math.abs(z) > 6) return z < 0 ? 0 : 1;
    let sum = z;
    for (let n = 3, term = z; Math.abs(term) > 1e-12 * Math.abs(sum); n += 2) {
      sum += term *= (z * z) / n;
    }
    return 0.5 + gauss(z) * sum;
  }

  /** @param {number} z */
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));

  /** tanh(softplus(z)). @param {number} z */
  function gate(z) {
    if (z > 20) return 1;
    const e = Math.exp(z) * (Math.exp(z) + 2);
    return e / (e + 2);
  }

  /** @type {(negative: number) => Activation} */
  const rectifier = (negative) => ({
    f: (z) => (z < 0 ? z * negative : z),
    slope: (z) => (z > 0 ? 1 : negative),
  });

  /* TensorFlow takes some slopes from the rounded output, and so do these: a
     sigmoid's becomes 0 as early as there. */
  /** @type {Record<string, Activation>} */
  const activations = {
    linear: rectifier(1),
    sigmoid: { f: sigmoid, slope: (_, f) => f * (1 - f), bounds: [0, 1] },
    tanh: { f: Math.tanh, slope: (_, f) => 1 - f * f, bounds: [-1, 1] },
    relu: { ...rectifier(0), f: (z) => (z < 0 ? 0 : z) },
    leaky_relu: rectifier(0.2),
    prelu: rectifier(0), // its alpha starts at 0; -Infinity becomes NaN there too
    elu: {
      f: (z) => (z < 0 ? Math.expm1(z) : z),
      slope: (z, f) => (z < 0 ? f + 1 : 1),
    },
    selu: {
      f: (z) => (z < 0 ? SELU_DEPTH * Math.expm1(z) : SELU * z),
      slope: (z, f) => (z < 0 ? f + SELU_DEPTH : SELU),
    },
    gelu: {
      f: (z) => z * below(z),
      slope: (z, f) => (z === 0 ? 0.5 : f / z + z * gauss(z)),
    },
    silu: {
      f: (z) => z * sigmoid(z),
      slope: (z) => sigmoid(z) * (1 + z * sigmoid(-z)),
    },
    mish: {
      f: (z) => z * gate(z),
      slope: (z) => gate(z) + z * sigmoid(z) * (1 - gate(z) ** 2),
    },
  };

  /* Random numbers */

  /**
   * Random integers of 32 bits, from -2³¹: the generator sfc32.
   * @param {number} seed an integer, at least 0
   * @param {number} stream 0 inputs, 1 the last gradient, then the kernels
   */
  function randomIntegers(seed, stream) {
    const buffer = new Int32Array(1024);
    let state = [seed | 0, (seed / 2 ** 32) | 0, stream, 1];
    let position = 32; // the first do not depend on all of the seed
    const fill = () => {
      let [a, b, c, count] = state;
      for (let i = 0; i < buffer.length; i++) {
        const sum = (a + b + count) | 0;
        count = (count + 1) | 0;
        a = b ^ (b >>> 9);
        b = (c + (c << 3)) | 0;
        c = (((c << 21) | (c >>> 11)) + sum) | 0;
        buffer[i] = sum;
      }
      state = [a, b, c, count];
    };
    fill();
    return () => {
      if (position === buffer.length) {
        fill();
        position = 0;
      }
      return buffer[position++];
    };
  }

  /**
   * For x from 0 to 1. Browsers may differ in Math.log, not in sums, products
   * and square roots.
   * @param {number} x
   */
  function logarithm(x) {
    let halvings = 0;
    for (; x < Math.SQRT1_2; x *= 2) halvings++;
    const t = (x - 1) / (x + 1);
    let sum = 0;
    for (let n = 15; n > 0; n -= 2) sum = sum * t * t + 1 / n;
    return 2 * t * sum - halvings * Math.LN2;
  }

  /**
   * Normal draws by the polar method; those beyond the cut are drawn again.
   * @template {Floats} T
   * @param {T} out
   * @param {number} stddev before the cut
   * @param {() => number} next
   * @param {number} cut in standard deviations
   */
  function fillNormal(out, stddev, next, cut = Infinity) {
    for (let i = 0; i < out.length; ) {
      const x = next() * 2 ** -31;
      const y = next() * 2 ** -31;
      const s = x * x + y * y;
      if (s >= 1 || s === 0) continue;
      const length = Math.sqrt((-2 * logarithm(s)) / s);
      if (Math.abs(x * length) < cut) out[i++] = x * length * stddev;
      // Past the end nothing is written.
      if (Math.abs(y * length) < cut) out[i++] = y * length * stddev;
    }
    return out;
  }

  /* Initializers */

  /**
   * Variance times the number of inputs, and distribution, by name.
   * @param {State} state
   * @returns {Record<string, [number, string]>}
   */
  const initializers = ({ stddev, width, scale, distribution }) => ({
    glorot_uniform: [1, "uniform"],
    glorot_normal: [1, "truncated_normal"],
    he_uniform: [2, "uniform"],
    he_normal: [2, "truncated_normal"],
    lecun_uniform: [1, "uniform"],
    lecun_normal: [1, "truncated_normal"],
    orthogonal: [1, "orthogonal"],
    random_normal: [stddev ** 2 * width, "untruncated_normal"],
    variance_scaling: [scale, distribution],
  });

  /**
   * A kernel times the gain: its entries, row by row, or its `mirrors`.
   * @param {State} state
   * @param {number} seed
   * @param {number} layer from 1
   */
  function draw(state, seed, layer) {
    const { initializer, width, gain } = state;
    const [scale, distribution] = initializers(state)[initializer];
    const next = randomIntegers(seed, layer + 1);
    if (distribution === "orthogonal") return mirrors(width, gain, next);
    const out = new Float32Array(width * width);
    const stddev = Math.sqrt(scale / width) * gain;
    if (distribution === "untruncated_normal") return fillNormal(out, stddev, next);
    if (distribution === "truncated_normal") {
      return fillNormal(out, stddev / 0.87962566103423978, next, 2);
    }
    const limit = Math.sqrt(3) * stddev;
    return out.map(() => next() * 2 ** -31 * limit);
  }

  /**
   * Like Keras's Q of a QR any orthogonal matrix is as likely as any other; but
   * it is left in its n mirrors 1 - v vᵀ, which multiply as fast as its entries:
   * the first turns axis 1 to a random direction, the next axis 2 within the rest.
   * @param {number} n
   * @param {number} gain
   * @param {() => number} next
   * @returns n, n - 1, … numbers of the vectors v, then the gain
   */
  function mirrors(n, gain, next) {
    const out = fillNormal(new Float64Array((n * (n + 1)) / 2 + 1), 1, next);
    for (let k = n, start = 0; k > 0; start += k--) {
      const v = out.subarray(start, start + k);
      v[0] += norm(v);
      const length = norm(v) / Math.SQRT2 || 1;
      for (let i = 0; i < k; i++) v[i] /= length;
    }
    out[out.length - 1] = gain;
    return out;
  }

  /**
   * A kernel by its entries.
   * @param {State} state
   * @param {number} seed
   * @param {number} layer
   */
  function kernel(state, seed, layer) {
    const n = state.width;
    const one = new Float32Array(padded(n) * n);
    for (let i = 0; i < n; i++) one[i * n + i] = 1;
    const out = one.slice();
    run(product(one, draw(state, seed, layer), out, n, false));
    return out.subarray(0, n * n);
  }

  /* Products of rows with a kernel or its transpose. Rows come in fours, the
     last ones 0. */

  /** @param {number} rows */
  const padded = (rows) => Math.ceil(rows / 4) * 4;

  /**
   * Four rows of the product with mirrors.
   * @param {Float32Array} rows
   * @param {Float64Array} matrix
   * @param {Floats} out
   * @param {number} n
   * @param {boolean} isTransposed
   * @param {number} first
   * @param {Float64Array} x room for 4n numbers
   */
  function reflect(rows, matrix, out, n, isTransposed, first, x) {
    const gain = matrix[matrix.length - 1];
    for (let i = 0; i < 4 * n; i++) {
      x[i] = rows[(first + (i & 3)) * n + (i >> 2)] * gain;
    }
    for (let step = 0; step < n; step++) {
      const k = isTransposed ? n - 1 - step : step;
      const v = k * n - (k * (k + 1)) / 2; // + i: entry i of mirror k
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = k, q = 4 * k; i < n; i++, q += 4) {
        const w = matrix[v + i];
        a += w * x[q];
        b += w * x[q + 1];
        c += w * x[q + 2];
        d += w * x[q + 3];
      }
      for (let i = k, q = 4 * k; i < n; i++, q += 4) {
        const w = matrix[v + i];
        x[q] -= w * a;
        x[q + 1] -= w * b;
        x[q + 2] -= w * c;
        x[q + 3] -= w * d;
      }
    }
    for (let i = 0; i < 4 * n; i++) {
      out[(first + (i & 3)) * n + (i >> 2)] = x[i];
    }
  }

  /**
   * Four columns of the product with a matrix by its entries.
   * @param {Float32Array} rows
   * @param {Float32Array} matrix
   * @param {Floats} out
   * @param {number} n columns of rows
   * @param {number} columns of out
   * @param {boolean} isTransposed
   * @param {number} first
   * @param {Float64Array} panel room for 4n numbers
   */
  function multiply(rows, matrix, out, n, columns, isTransposed, first, panel) {
    const along = isTransposed ? 1 : n;
    const across = isTransposed ? n : 1;
    for (let i = 0; i < 4 * n; i++) {
      panel[i] = matrix[(first + (i & 3)) * across + (i >> 2) * along];
    }
    // Two rows at a time: eight sums are what the registers hold.
    for (let r = 0, p = first; r < rows.length; r += 2 * n, p += 2 * columns) {
      let a = 0, b = 0, c = 0, d = 0;
      let e = 0, f = 0, g = 0, h = 0;
      for (let k = r, q = 0; k < r + n; k++, q += 4) {
        const x = rows[k];
        const y = rows[k + n];
        a += x * panel[q];
        b += x * panel[q + 1];
        c += x * panel[q + 2];
        d += x * panel[q + 3];
        e += y * panel[q];
        f += y * panel[q + 1];
        g += y * panel[q + 2];
        h += y * panel[q + 3];
      }
      out[p] = a;
      out[p + 1] = b;
      out[p + 2] = c;
      out[p + 3] = d;
      out[p + columns] = e;
      out[p + columns + 1] = f;
      out[p + columns + 2] = g;
      out[p + columns + 3] = h;
    }
  }

  /**
   * A whole product, in small steps.
   * @param {Float32Array} rows
   * @param {Floats} matrix
   * @param {Floats} out
   * @param {number} n columns of rows
   * @param {boolean} isTransposed
   */
  function* product(rows, matrix, out, n, isTransposed) {
    const room = new Float64Array(4 * n);
    const height = rows.length / n;
    const columns = out.length / height;
    const isMirrors = matrix instanceof Float64Array;
    const end = isMirrors ? height : columns;
    for (let first = 0, work = 0; first < end; first += 4) {
      if (isMirrors) {
        reflect(rows, matrix, out, n, isTransposed, first, room);
      } else {
        // The last four may overlap those before.
        const start = Math.min(first, columns - 4);
        multiply(rows, matrix, out, n, columns, isTransposed, start, room);
      }
      work += isMirrors ? 8 * n * n : 4 * rows.length;
      if (work > CHUNK) {
        work = 0;
        yield;
      }
    }
    return out;
  }

  /** The products of all pairs of rows. @param {Float32Array} rows @param {number} n */
  function gram(rows, n) {
    const out = new Float64Array((rows.length / n) ** 2);
    return product(rows, rows, out, n, true);
  }

  /** All steps at once.
   * @template T
   * @param {Generator<undefined, T, undefined>} steps
   */
  function run(steps) {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /* What is seen of a layer */

  /** @param {Floats} h */
  function norm(h) {
    let sum = 0;
    for (let i = 0; i < h.length; i++) sum += h[i] * h[i];
    return Math.sqrt(sum);
  }

  /** @param {Float32Array} h */
  function moments(h) {
    let sum = 0;
    let spread = 0;
    for (let i = 0; i < h.length; i++) sum += h[i];
    const mean = sum / h.length;
    for (let i = 0; i < h.length; i++) spread += (h[i] - mean) ** 2;
    return { mean, variance: spread / h.length };
  }

  /** @param {Floats} products of `gram` @param {number} batch */
  function meanCosine(products, batch) {
    const height = Math.sqrt(products.length);
    let sum = 0;
    let pairs = 0;
    for (let b = 0; b < Math.min(16, batch); b++) {
      for (let a = 0; a < b; a++) {
        const squares = products[a * height + a] * products[b * height + b];
        if (squares === 0) continue;
        sum += products[a * height + b] / Math.sqrt(squares);
        pairs++;
      }
    }
    return sum / pairs;
  }

  /** @param {Float32Array} h @param {(y: number) => boolean} test */
  const share = (h, test) => h.filter(test).length / h.length;

  /** @param {Float32Array} h @param {number} n */
  function shareDead(h, n) {
    const isAlive = new Uint8Array(n);
    for (let i = 0; i < h.length; i++) if (h[i] !== 0) isAlive[i % n] = 1;
    return isAlive.filter((alive) => !alive).length / n;
  }

  /**
   * From bound to bound, or else within four standard deviations.
   * @param {Float32Array} h
   * @param {number} layer
   * @param {number[]} [bounds]
   * @returns {Histogram}
   */
  function histogram(h, layer, bounds) {
    const finite = h.filter(Number.isFinite).sort();
    const { mean, variance } = moments(finite);
    const reach = 4 * Math.sqrt(variance);
    let [low, high] = bounds || [
      Math.max(mean - reach, finite[0]),
      Math.min(mean + reach, finite[finite.length - 1]),
    ];
    if (low >= high) {
      low -= Math.abs(low) || 1;
      high += Math.abs(high) || 1;
    }
    const counts = Array(40).fill(0);
    for (const y of finite) {
      const bin = Math.floor(((y - low) / (high - low)) * 40);
      if (y >= low && y <= high) counts[Math.min(bin, 39)]++;
    }
    const bottom = share(h, (y) => y < low);
    return { layer, low, high, counts, bottom, top: share(h, (y) => y > high) };
  }

  /* The network */

  /**
   * Forward and back, in small steps.
   * @param {State} state
   * @param {number} seed
   * @param {boolean} [isShown] with histograms
   * @param {Given} [given]
   * @returns {Generator<undefined, Result, undefined>}
   */
  function* compute(state, seed, isShown, given) {
    const { depth, width, batch, activation } = state;
    const { f, slope, bounds } = activations[activation];
    const size = batch * width;
    const rows = () => new Float32Array(padded(batch) * width);
    const empty = () => new Float64Array(depth + 1).fill(NaN);
    const layers = {
      secondMoment: empty(), variance: empty(), cosine: empty(), saturated: empty(),
      dead: empty(), activationGradient: empty(), kernelGradient: empty(),
    };
    const shown = [0, 1, 2, 3, 4].map((i) => Math.ceil((depth * i) / 4) || 1);
    const histograms = [];
    let notFinite = -1;
    /** @type {Floats[]} */
    const kernels = given ? given.kernels : [];
    const outputs = []; // h of each layer
    const products = []; // their `gram`
    const slopes = [rows()]; // f′ of each layer

    for (let layer = 0; layer <= depth; layer++) {
      const padding = rows();
      const h = padding.subarray(0, size);
      if (layer === 0) {
        if (given) h.set(given.inputs);
        else fillNormal(h, 1, randomIntegers(seed, 0));
      } else {
        if (!given) kernels.push(draw(state, seed, layer));
        yield;
        yield* product(outputs[layer - 1], kernels[layer - 1], padding, width, false);
        const s = rows();
        for (let i = 0; i < size; i++) {
          const z = h[i];
          h[i] = f(z);
          s[i] = slope(z, h[i]);
        }
        slopes.push(s);
        if (bounds) {
          const [low, high] = bounds;
          layers.saturated[layer] = share(h, (y) => y < low + 0.01 || y > high - 0.01);
        }
        if (activation === "relu") layers.dead[layer] = shareDead(h, width);
        if (isShown && shown.includes(layer)) histograms.push(histogram(h, layer, bounds));
      }
      outputs.push(padding);
      products.push(yield* gram(padding, width));
      layers.secondMoment[layer] = norm(h) ** 2 / size;
      layers.variance[layer] = moments(h).variance;
      layers.cosine[layer] = meanCosine(products[layer], batch);
      if (notFinite < 0 && !h.every(Number.isFinite)) notFinite = layer;
      yield;
    }

    let gradient = rows();
    let before = rows();
    if (given) gradient.set(given.gradient);
    else fillNormal(gradient.subarray(0, size), 1 / Math.sqrt(size), randomIntegers(seed, 1));
    for (let layer = depth; ; layer--) {
      layers.activationGradient[layer] = norm(gradient);
      if (layer === 0) return { layers, notFinite, histograms };
      for (let i = 0; i < size; i++) gradient[i] *= slopes[layer][i];
      // ‖hᵀδ‖² = Σ (hₐ·h_b)(δₐ·δ_b), without hᵀδ; which overflows in float32.
      const h = products[layer - 1];
      const d = yield* gram(gradient, width);
      let sum = 0;
      for (let i = 0; i < h.length; i++) sum += h[i] * d[i];
      layers.kernelGradient[layer] = Math.fround(Math.sqrt(Math.max(sum, 0)));
      yield* product(gradient, kernels[layer - 1], before, width, true);
      [gradient, before] = [before, gradient];
      yield;
    }
  }

  /**
   * What infinitely wide layers do: q becomes E[f(√q z)²], and the gradient's
   * square is multiplied by E[f′(√q z)²], z standard normal.
   * @param {State} state
   */
  function theory(state) {
    const { depth, gain } = state;
    const { f, slope } = activations[state.activation];
    const scale = initializers(state)[state.initializer][0] * gain ** 2;
    const secondMoment = new Float64Array(depth + 1).fill(1);
    const activationGradient = secondMoment.slice();
    for (let layer = 1; layer <= depth; layer++) {
      const root = Math.sqrt(scale * secondMoment[layer - 1]);
      let forward = 0;
      let backward = 0;
      // Even in log |z|, to meet a slope that is high only close to 0.
      for (let t = -20; t < 2.6; t += 0.2) {
        const z = Math.exp(t);
        for (const x of [z * root, -z * root]) {
          const weight = 0.2 * z * gauss(z);
          forward += weight * f(x) ** 2;
          backward += weight * slope(x, f(x)) ** 2;
        }
      }
      secondMoment[layer] = forward;
      for (let i = 0; i < layer; i++) {
        activationGradient[i] *= Math.sqrt(scale * backward);
      }
    }
    return { secondMoment, activationGradient };
  }

  /* The worker */

  /** @param {number} id @param {State} state */
  function* answer(id, state) {
    const start = performance.now();
    scope.postMessage({ type: "theory", id, ...theory(state) });
    for (let index = 0; index < state.seeds; index++) {
      const seed = state.seed + index;
      const result = yield* compute(state, seed, index === 0);
      scope.postMessage({ type: "seed", id, index, seed, ...result });
    }
    scope.postMessage({ type: "done", id, milliseconds: performance.now() - start });
  }

  if (scope.postMessage) {
    /** @type {Generator | undefined} */
    let running;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      const end = performance.now() + SLICE;
      while (running && performance.now() < end) {
        if (running.next().done) running = undefined;
      }
      if (running) port2.postMessage(0);
    };
    scope.onmessage = (/** @type {MessageEvent} */ { data: { id, state } }) => {
      if (!running) port2.postMessage(0);
      running = answer(id, state);
    };
  }

  return {
    ACTIVATIONS: Object.keys(activations),
    INITIALIZERS: Object.keys(initializers(/** @type {State} */ ({}))),
    activations,
    randomIntegers,
    fillNormal,
    kernel,
    theory,
    /** @type {(...all: Parameters<typeof compute>) => Result} */
    network: (...all) => run(compute(...all)),
  };
}
