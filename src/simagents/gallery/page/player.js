"use strict";
// Menus, slider, keys: what is shown, and when it is drawn again.

const element = (id) => document.getElementById(id);
const data = JSON.parse(element("data").textContent);
const scenes = new Map(); // decoded when they are first shown
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const now = { scene: 0, shown: [0, data.scenes[0].systems.length > 1 ? 1 : -1], rollout: 0, step: 0, playing: false };
let view = { x: 0, y: 0, half: data.half_width };
let ground = { key: "", canvas: document.createElement("canvas") };
let clock = null;

function sceneNow() {
  if (!scenes.has(now.scene)) scenes.set(now.scene, decodeScene(data.scenes[now.scene], data.steps));
  return scenes.get(now.scene);
}

function colours() {
  const chosen = { ...data.colours, ...(dark.matches ? data.dark : {}) };
  const towards = (colour, share) => {
    const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const other = parts(chosen.ground);
    return `rgb(${parts(colour).map((value, at) => Math.round(value + share * (other[at] - value)))})`;
  };
  chosen.agent = (scene, agent) => {
    const colour = agent === scene.recorder ? chosen.recorder : chosen.classes[scene.kind[agent]];
    return scene.scored[agent] ? colour : towards(colour, chosen.pale);
  };
  return chosen;
}

// A system with fewer rollouts, such as the log, shows the last that it has.
const rolloutOf = (system) => Math.min(now.rollout, system.rollouts - 1);

function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  return [width, height];
}

function draw() {
  const scene = sceneNow();
  const chosen = colours();
  now.shown.forEach((number, side) => {
    element(`panel${side}`).hidden = number < 0;
    if (number < 0) return;
    const system = scene.systems[number];
    const rollout = rolloutOf(system);
    const canvas = element(`canvas${side}`);
    const [width, height] = fit(canvas);
    const look = { x: view.x, y: view.y, scale: width / (2 * view.half), pixel: (2 * view.half) / canvas.clientWidth };
    const key = [now.scene, width, height, view.x, view.y, view.half, dark.matches].join();
    if (ground.key !== key) {
      [ground.canvas.width, ground.canvas.height, ground.key] = [width, height, key];
      drawGround(ground.canvas.getContext("2d"), scene, look, width, height, chosen);
    }
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(ground.canvas, 0, 0);
    drawMoment(context, scene, system, rollout, now.step, look, width, height, chosen);
    const line = element(`timeline${side}`);
    drawTimeline(line.getContext("2d"), scene, system, rollout, now.step, data.steps, ...fit(line), chosen);
    const [collided, left] = countUntil(scene, system, rollout, now.step);
    const scored = scene.scored.filter(Boolean).length;
    element(`count${side}`).textContent =
      `rollout ${rollout + 1} of ${system.rollouts} · so far ${collided} collided, ${left} off road, of ${scored} scored`;
  });
  element("slider").value = now.step;
  element("time").textContent = `${(now.step * data.seconds).toFixed(1)} s`;
  element("rollout").textContent = `${now.rollout + 1} / ${most()}`;
  element("play").textContent = now.playing ? "❚❚" : "▶";
}

const most = () => Math.max(...now.shown.filter((n) => n >= 0).map((n) => sceneNow().systems[n].rollouts));

function change(changes) {
  Object.assign(now, changes);
  now.scene = (now.scene + data.scenes.length) % data.scenes.length;
  now.step = Math.min(Math.max(now.step, 0), data.steps);
  now.rollout = (now.rollout + most()) % most();
  element("scene").value = now.scene;
  draw();
}

function look(changes) {
  view = { ...view, ...changes };
  view.half = Math.min(Math.max(view.half, 5), 150);
  draw();
}

function play(playing) {
  change({ playing, step: playing && now.step === data.steps ? 0 : now.step });
  clock = null;
  if (playing) requestAnimationFrame(tick);
}

function tick(time) {
  if (!now.playing) return;
  clock ??= time - (now.step * data.seconds * 1000) / speed();
  const step = Math.floor(((time - clock) * speed()) / (data.seconds * 1000));
  if (step !== now.step) change({ step, playing: step < data.steps });
  requestAnimationFrame(tick);
}

const speed = () => Number(element("speed").value);
const keys = {
  " ": () => play(!now.playing),
  ArrowRight: () => change({ step: now.step + 1, playing: false }),
  ArrowLeft: () => change({ step: now.step - 1, playing: false }),
  Home: () => change({ step: 0, playing: false }),
  End: () => change({ step: data.steps, playing: false }),
  ArrowUp: () => change({ rollout: now.rollout + 1 }),
  ArrowDown: () => change({ rollout: now.rollout - 1 }),
  n: () => change({ scene: now.scene + 1, step: 0 }),
  p: () => change({ scene: now.scene - 1, step: 0 }),
  "+": () => look({ half: view.half / 1.25 }),
  "-": () => look({ half: view.half * 1.25 }),
  0: () => look({ x: 0, y: 0, half: data.half_width }),
};

function fill(select, labels, chosen) {
  labels.forEach(([value, label]) => {
    const option = document.createElement("option");
    [option.value, option.textContent] = [value, label];
    select.append(option);
  });
  select.value = chosen;
}

fill(element("scene"), data.scenes.map((scene, row) => [row, scene.id]), 0);
element("scene").addEventListener("change", (event) => change({ scene: Number(event.target.value), step: 0 }));
now.shown.forEach((number, side) => {
  const labels = data.scenes[0].systems.map((system, row) => [row, system.label]);
  fill(element(`system${side}`), side ? [...labels, [-1, "nothing"]] : labels, number);
  element(`system${side}`).addEventListener("change", (event) => {
    const shown = [...now.shown];
    shown[side] = Number(event.target.value);
    change({ shown });
  });
  const canvas = element(`canvas${side}`);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    look({ half: view.half * Math.exp(0.001 * event.deltaY) });
  }, { passive: false });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons !== 1) return;
    const metres = (2 * view.half) / canvas.clientWidth;
    look({ x: view.x - event.movementX * metres, y: view.y + event.movementY * metres });
  });
});
element("slider").max = data.steps;
element("slider").addEventListener("input", (event) => change({ step: Number(event.target.value), playing: false }));
element("speed").addEventListener("change", () => (clock = null));
for (const [id, key] of Object.entries({ play: " ", more: "ArrowUp", less: "ArrowDown", near: "+", far: "-", whole: "0" }))
  element(id).addEventListener("click", keys[key]);
window.addEventListener("keydown", (event) => {
  const key = event.key === "=" ? "+" : event.key;
  if (!(key in keys) || event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[key]();
});
window.addEventListener("resize", draw);
dark.addEventListener("change", draw);
draw();
