/* Runs before the theme's bundle. */
"use strict";

/* The search comes late. The theme fetches its worker and the whole index on
   every load; here both wait until the reader turns to the search field, or
   arrives by a search (?q=) or from its results (?h=). */
{
  const { Worker, XMLHttpRequest } = window;
  const parameters = new URLSearchParams(location.search);
  const wanted = new Promise((resolve) => {
    if (parameters.has("q") || parameters.has("h")) resolve();
    addEventListener("focusin", ({ target }) => {
      if (target.matches(".md-search__input")) resolve();
    });
  });

  window.XMLHttpRequest = class extends XMLHttpRequest {
    open(method, url, ...rest) {
      this.late = String(url).endsWith("/search_index.json");
      super.open(method, url, ...rest);
    }
    send(body) {
      if (this.late) wanted.then(() => super.send(body));
      else super.send(body);
    }
  };

  /* No browser starts a worker from file://; there the worker's script runs
     in a hidden frame, and its messages are handed over. */
  class FrameWorker extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = `<script src="${url}"></script>`;
      this.loaded = new Promise((resolve) => {
        frame.addEventListener("load", () => {
          this.scope = frame.contentWindow;
          this.scope.postMessage = (data) =>
            this.dispatchEvent(new MessageEvent("message", { data }));
          resolve();
        });
      });
      document.body.append(frame);
    }
    postMessage(data) {
      this.loaded.then(() =>
        this.scope.dispatchEvent(new MessageEvent("message", { data })));
    }
  }

  /* Of each word the theme looks for all that begin with it, so these would find
     isometry, normalization, order; the last one may not be finished yet. */
  const SMALL = /\b(an?|and|are|as|at|be|by|do|does|for|how|i|in|is|it|my|no|not|of|on|or|the|to|why|with)\s+(?=\S)/gi;

  class LateWorker extends EventTarget {
    constructor(url) {
      super();
      const Now = location.protocol === "file:" ? FrameWorker : Worker;
      this.worker = wanted.then(() => {
        const worker = new Now(url);
        worker.addEventListener("message", ({ data }) =>
          this.dispatchEvent(new MessageEvent("message", { data })));
        return worker;
      });
    }
    postMessage({ type, data }) {
      if (typeof data === "string") data = data.replace(SMALL, "");
      this.worker.then((worker) => worker.postMessage({ type, data }));
    }
  }

  window.Worker = function (url, options) {
    return String(url).includes("/workers/search.")
      ? new LateWorker(url) : new Worker(url, options);
  };
}

/* What scrolls sideways can be reached by keyboard, on touch screens too,
   where the theme takes the tabindex away. */
{
  const scrollers = "pre, .md-typeset__scrollwrap, .math-display";
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  addEventListener("load", () => {
    for (const element of document.querySelectorAll(scrollers)) {
      observer.observe(element);
    }
    /* Each copy button sits in a nav of its own without a name. */
    for (const nav of document.querySelectorAll(".md-code__nav")) {
      nav.role = "none";
      /* The theme's tooltip takes the title away while it is shown. */
      for (const button of nav.children) button.ariaLabel = button.title;
    }
  });
}

/* Menu and search open by keyboard too, where labels stand for them. */
addEventListener("keydown", (event) => {
  if (!event.target.matches("label > [role=button]") || !["Enter", " "].includes(event.key)) return;
  event.preventDefault();
  event.target.click();
});

/* The contents mark the section that was chosen, and after scrolling the one
   that is read. The theme goes by distances, which fit its own margins only. */
addEventListener("DOMContentLoaded", () => {
  const links = [...document.querySelectorAll(".md-nav--secondary a[href]")]
    .map((link) => [link, document.getElementById(decodeURIComponent(link.hash.slice(1)))])
    .filter(([, heading]) => heading);
  if (!links.length) return;
  let chosen, place, isDue = false;

  const where = () => chosen && [scrollY, chosen.getBoundingClientRect().top];
  const mark = () => {
    isDue = false;
    /* Who scrolls changes both; what is drawn late, only one of them. */
    if (place && where()?.every((at, i) => Math.abs(at - place[i]) > 1)) chosen = undefined;
    const read = links.filter(([, { offsetParent }]) => offsetParent)
      .filter(([, heading]) => heading.getBoundingClientRect().top < innerHeight / 4);
    const here = chosen ?? read.at(-1)?.[1];
    for (const [link, heading] of links) {
      if (heading === here) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  };
  const choose = (hash) => {
    place = undefined;
    chosen = links.find(([link]) => link.hash === hash)?.[1];
    /* The browser jumps first. */
    requestAnimationFrame(() => requestAnimationFrame(() => {
      place = where();
      mark();
    }));
  };

  for (const [link] of links) link.addEventListener("click", () => choose(link.hash));
  addEventListener("hashchange", () => choose(location.hash));
  addEventListener("load", () => choose(location.hash));
  addEventListener("scroll", () => {
    if (!isDue) requestAnimationFrame(mark);
    isDue = true;
  }, { passive: true });
});

/* A figure opens large, in the palette of the page; where scripts are off its
   link leads to the drawing. */
addEventListener("click", (event) => {
  const link = event.target.closest(".enlarge");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const figure = link.closest("figure");
  const drawing = [...figure.querySelectorAll("img, .panels")].find((n) => n.checkVisibility());
  const dialog = document.createElement("dialog");
  const button = document.createElement("button");
  let large = drawing;              // a lab's moves there and back
  if (drawing.src) {
    large = new Image();
    large.src = drawing.src.split("#")[0];
    large.alt = drawing.alt;
  }
  dialog.className = "large";
  dialog.setAttribute("aria-label", figure.querySelector("strong").textContent);
  button.textContent = "Close";
  dialog.append(button, large);
  document.body.append(dialog);
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target === button) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (large === drawing) figure.prepend(drawing);
    dialog.remove();
    link.focus();
  });
  dialog.showModal();
});

/* A block that continues from above can be copied with all that it needs. */
addEventListener("load", () => {
  const blocks = [...document.querySelectorAll("div.language-python, div.language-pycon")];
  const copied = (block) => {
    const code = block.querySelector("code").cloneNode(true);
    for (const node of code.querySelectorAll(".gp, .go, .gt")) node.remove();
    const text = code.textContent.trim();
    return `${block.matches(".doctest") ? text.replace(/\n\n+/g, "\n\n") : text}\n`;
  };
  blocks.forEach((block, at) => {
    if (!block.matches(".continues")) return;
    const button = document.createElement("button");
    const says = "Continues from above: copy everything up to here";
    button.className = "up-to-here";
    button.textContent = says;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(blocks.slice(0, at + 1).map(copied).join("\n"));
      button.textContent = "Copied everything up to here";
      button.addEventListener("blur", () => { button.textContent = says; }, { once: true });
    });
    block.append(button);
  });
});
