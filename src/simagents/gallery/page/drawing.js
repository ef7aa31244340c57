"use strict";
// A scene on a canvas. The frame is in metres: x ahead of the recording vehicle, y to its left.

function path(context, points, closed) {
  context.beginPath();
  for (let at = 0; at < points.length; at += 2) context.lineTo(points[at], points[at + 1]);
  if (closed) context.closePath();
}

// Canvas of `width` x `height` device pixels -> metres, y upwards. `view` has the middle, device pixels a
// metre (`scale`), and metres of a pixel of the page (`pixel`).
function lookThrough(context, view, width, height) {
  context.setTransform(view.scale, 0, 0, -view.scale, width / 2 - view.x * view.scale, height / 2 + view.y * view.scale);
}

function drawGround(context, scene, view, width, height, colours) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, width, height);
  lookThrough(context, view, width, height);
  const pixel = view.pixel;
  const fill = (points, colour) => {
    path(context, points, true);
    context.fillStyle = colour;
    context.fill();
  };
  const stroke = (points, colour, metres, dash = []) => {
    path(context, points, false);
    context.strokeStyle = colour;
    context.lineWidth = metres;
    context.setLineDash(dash);
    context.stroke();
  };
  const each = (style, draw) =>
    scene.features.forEach((one, row) => one.style === style && draw(one.points, row));
  each("driveway", (points) => fill(points, colours.driveway));
  each("bike_lane", (points) => stroke(points, colours.bike_lane, colours.bike_lane_width));
  each("lane", (points) => stroke(points, colours.lane, colours.lane_width));
  each("speed_bump", (points) => fill(points, colours.speed_bump));
  each("crosswalk", (points, row) => {
    context.save();
    fill(points, colours.crosswalk);
    context.clip();
    for (let next = row + 1; scene.features[next]?.style === "stripe"; next++)
      stroke(scene.features[next].points, colours.white, colours.stripe_width);
    context.restore();
  });
  const paint = Math.max(0.15, pixel);
  each("white", (points) => stroke(points, colours.white, paint));
  each("white_broken", (points) => stroke(points, colours.white, paint, [3, 6]));
  each("yellow", (points) => stroke(points, colours.yellow, paint));
  each("yellow_broken", (points) => stroke(points, colours.yellow, paint, [3, 6]));
  each("edge", (points) => stroke(points, colours.edge, Math.max(0.2, 1.2 * pixel)));
  each("stop_sign", (points) => mark(context, points[0], points[1], "8", Math.max(0.9, 5 * pixel), colours.sign, true));
  context.setLineDash([]);
}

// A sign of that radius (m): o circle, s square, ^ triangle, D diamond, 8 octagon.
function mark(context, x, y, shape, radius, colour, filled) {
  // Corners, and by which part of a circle the first one lies above the x axis.
  const [corners, turn] = { o: [0, 0], s: [4, 1 / 8], "^": [3, 1 / 4], D: [4, 0], 8: [8, 1 / 16] }[shape];
  context.beginPath();
  if (corners === 0) context.arc(x, y, radius, 0, 2 * Math.PI);
  for (let corner = 0; corner < corners; corner++) {
    const angle = 2 * Math.PI * (corner / corners + turn);
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = context.strokeStyle = colour;
  if (filled) context.fill();
  else context.stroke();
}

function drawMoment(context, scene, system, rollout, step, view, width, height, colours) {
  lookThrough(context, view, width, height);
  const pixel = view.pixel;
  const poseAt = (agent, at) => system.pose(rollout, agent, at);
  for (const light of scene.lights) {
    const says = light.says[step];
    if (says) mark(context, ...light.stop, colours.lights[says][1], Math.max(0.7, 3.5 * pixel), colours.lights[says][0], true);
  }
  context.lineWidth = 1.2 * pixel;
  for (let agent = 0; agent < scene.count; agent++) {
    context.strokeStyle = colours.agent(scene, agent);
    context.globalAlpha = 0.6;
    context.beginPath();
    for (let at = Math.max(0, step - colours.trail); at <= step; at++) context.lineTo(...poseAt(agent, at).slice(0, 2));
    context.stroke();
    context.globalAlpha = 1;
  }
  for (let agent = 0; agent < scene.count; agent++) {
    const [x, y, heading] = poseAt(agent, step);
    const [length, breadth] = scene.size(agent);
    context.save();
    context.translate(x, y);
    context.rotate(heading);
    context.fillStyle = colours.agent(scene, agent);
    context.strokeStyle = agent === scene.recorder ? colours.ink : colours.ground;
    context.lineWidth = pixel;
    context.fillRect(-length / 2, -breadth / 2, length, breadth);
    context.strokeRect(-length / 2, -breadth / 2, length, breadth);
    context.strokeStyle = colours.ground;
    context.beginPath();
    context.moveTo(0, 0);
    context.lineTo(length / 2, 0);
    context.stroke();
    context.restore();
  }
  context.lineWidth = 2 * pixel;
  for (let agent = 0; agent < scene.count; agent++) {
    const [x, y] = poseAt(agent, step);
    const radius = Math.max((Math.hypot(...scene.size(agent)) + colours.clearance) / 2, 7 * pixel);
    if (system.collides(rollout, agent, step)) mark(context, x, y, colours.collision[0], radius, colours.collision[1], false);
    if (system.leaves(rollout, agent, step)) mark(context, x, y, colours.off_road[0], radius, colours.off_road[1], false);
  }
}

// When anything happens, over all steps: collisions above, departures from the road below.
function drawTimeline(context, scene, system, rollout, step, steps, width, height, colours) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = colours.lane;
  context.fillRect(0, 0, width, height);
  [[system.collides, colours.collision[1]], [system.leaves, colours.off_road[1]]].forEach(([happens, colour], line) => {
    context.fillStyle = colour;
    for (let at = 1; at <= steps; at++)
      for (let agent = 0; agent < scene.count; agent++)
        if (happens(rollout, agent, at)) {
          context.fillRect(((at - 0.5) / (steps + 1)) * width, (line + 0.15) * (height / 2), width / (steps + 1), 0.7 * (height / 2));
          break;
        }
  });
  context.fillStyle = colours.ink;
  context.fillRect(((step + 0.5) / (steps + 1)) * width - 1, 0, 2, height);
}
