"use strict";
// Embedded data -> typed arrays. packing.py writes what is read here.

const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

// Whole numbers in a stated unit, little-endian as every browser's processor is, to numbers.
function unpack(packed) {
  const kind = { int16: Int16Array, int32: Int32Array }[packed.type];
  return Float64Array.from(new kind(bytesOf(packed.data).buffer), (value) => value * packed.unit);
}

// One bit for each value, the lowest bit of a byte first.
function unpackBits(base64) {
  const bytes = bytesOf(base64);
  return (place) => (bytes[place >> 3] >> (place & 7)) & 1;
}

function decodeSystem(system, agents, steps) {
  const [position, heading] = [unpack(system.position), unpack(system.heading)];
  const [collision, offRoad] = [unpackBits(system.collision), unpackBits(system.off_road)];
  const frames = steps + 1; // the current step and the simulated ones
  const frame = (rollout, agent, step) => (rollout * agents + agent) * frames + step;
  const judged = (bits) => (rollout, agent, step) =>
    step > 0 && bits((rollout * agents + agent) * steps + step - 1) === 1;
  return {
    label: system.label,
    rollouts: system.rollouts,
    // x, y (m), heading (rad) in the frame of the recording vehicle's current pose.
    pose(rollout, agent, step) {
      const at = frame(rollout, agent, step);
      return [position[2 * at], position[2 * at + 1], heading[at]];
    },
    collides: judged(collision),
    leaves: judged(offRoad),
  };
}

function decodeScene(scene, steps) {
  const agents = scene.agents.kind.length;
  const points = unpack(scene.map.points);
  const size = unpack(scene.agents.size);
  const stops = unpack(scene.lights.stop);
  return {
    id: scene.id,
    count: agents,
    features: scene.map.style.map((style, row) => ({
      style,
      points: points.subarray(2 * scene.map.start[row], 2 * scene.map.start[row + 1]),
    })),
    kind: scene.agents.kind,
    recorder: scene.agents.recorder,
    scored: scene.agents.scored,
    size: (agent) => [size[2 * agent], size[2 * agent + 1]],
    lights: scene.lights.says.map((says, row) => ({
      stop: [stops[2 * row], stops[2 * row + 1]],
      says, // by step, null where the log does not list the signal
    })),
    systems: scene.systems.map((system) => decodeSystem(system, agents, steps)),
  };
}

// How many agents have collided and left the road up to a step, as under the films.
function countUntil(scene, system, rollout, step) {
  const until = (happens) => {
    let agents = 0;
    for (let agent = 0; agent < scene.count; agent++) {
      for (let at = 1; at <= step; at++) {
        if (happens(rollout, agent, at)) {
          agents++;
          break;
        }
      }
    }
    return agents;
  };
  return [until(system.collides), until(system.leaves)];
}
