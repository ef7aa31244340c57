// Runs a page's own scripts with a stand-in for the document, presses keys, prints what the page shows.
"use strict";
const html = require("fs").readFileSync(process.argv[2], "utf8");
const [, json] = html.match(/<script type="application\/json" id="data">([\s\S]*?)<\/script>/);
const [, scripts] = html.match(/<script>\n([\s\S]*?)<\/script>/);
const drawn = {}; // calls of each canvas, by name
const elements = {};
let pressed = null;

function context(id) {
  drawn[id] = {};
  const known = {};
  return new Proxy(known, {
    get: (_, name) => (name in known ? known[name] : (...values) => {
      if (values.flat().some((value) => Number.isNaN(value))) throw new Error(`${id}.${name}(${values})`);
      drawn[id][name] = (drawn[id][name] ?? 0) + 1;
    }),
  });
}

function element(id) {
  return (elements[id] ??= {
    listeners: {}, children: [], clientWidth: 500, clientHeight: 400,
    addEventListener(name, listener) { this.listeners[name] = listener; },
    append(child) { this.children.push(child.textContent); },
    getContext() { return (this.context ??= context(id)); },
  });
}

element("data").textContent = json;
element("speed").value = "1";
let others = 0;
globalThis.document = { getElementById: element, createElement: (name) => element(`${name}${others++}`) };
globalThis.window = {
  devicePixelRatio: 2,
  matchMedia: () => ({ matches: process.argv[3] === "dark", addEventListener() {} }),
  addEventListener: (name, listener) => { if (name === "keydown") pressed = listener; },
};
const waiting = [];
globalThis.requestAnimationFrame = (draw) => waiting.push(draw);
(0, eval)(scripts);
for (const key of process.argv.slice(4)) {
  if (key.startsWith("wait:")) {
    const until = Number(key.slice(5));
    for (let time = 1000; time <= 1000 + until; time += 50) waiting.splice(0).forEach((draw) => draw(time));
  } else pressed({ key, target: { tagName: "BODY" }, preventDefault() {} });
}
const text = (id) => element(id).textContent;
console.log(JSON.stringify({
  scene: element("scene").value, scenes: element("scene").children, systems: element("system0").children,
  time: text("time"), slider: element("slider").value, rollout: text("rollout"), play: text("play"),
  counts: [text("count0"), text("count1")], drawn,
}));
