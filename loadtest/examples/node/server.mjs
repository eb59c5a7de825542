// A Media Streams server as it is often written in Node: http, ws, one object per call.
//
// It has no voice activity detector: a frame counts as voiced by its level alone, so it hears a cough or a door as it
// hears a word. It checks no signature, keeps no ledger of what was heard and has no time-outs.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const FRAME_BYTES = 160; // 20 ms
const MESSAGE_BYTES = 8 * FRAME_BYTES; // 160 ms
const MARK_EVERY_BYTES = 25 * FRAME_BYTES; // 500 ms
const LEAD_MS = 400; // sound kept waiting at the carrier
const VOICED_DBFS = -35;
const VOICED_FRAMES = 5; // in a row interrupt the bot
const YIELDED_FRAMES = 50; // 1 s after an interruption …
const QUIET_FRAMES = 25; // … and 500 ms without voice, the bot speaks again

const { values: args } = parseArgs({
  options: {
    port: { type: "string", default: "9092" },
    loop: { type: "boolean", default: false }, // repeat the greeting for as long as nobody interrupts
    silent: { type: "boolean", default: false }, // never speak
  },
});

// The sample that each byte of µ-law stands for (ITU-T G.711), and its square.
const SAMPLES = Int16Array.from({ length: 256 }, (_, byte) => {
  const bits = ~byte & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return bits & 0x80 ? -magnitude : magnitude;
});
const POWERS = Float64Array.from(SAMPLES, (sample) => sample * sample);
const VOICED_POWER = FRAME_BYTES * 32768 ** 2 * 10 ** (VOICED_DBFS / 10);

const GREETING = greeting(); // "I'm sorry. All circuits are busy now. One moment please."

function greeting() {
  const names = ["en-im-sorry", "en-all-circuits-busy-now", "en-one-moment-please"];
  const clips = names.map((name) => readFileSync(new URL(`../../clips/${name}.wav`, import.meta.url)));
  return Buffer.concat(clips.map((wav) => mulaw(samplesOf(wav))));
}

function samplesOf(wav) {
  let at = 12;
  while (wav.toString("latin1", at, at + 4) !== "data") at += 8 + wav.readUInt32LE(at + 4);
  const data = wav.subarray(at + 8, at + 8 + wav.readUInt32LE(at + 4));
  return Int16Array.from({ length: data.length >> 1 }, (_, n) => data.readInt16LE(2 * n));
}

// The byte whose sample comes closest. Slow, and done once.
function mulaw(samples) {
  const nearest = (sample) =>
    SAMPLES.reduce((best, s, byte) => (Math.abs(s - sample) < Math.abs(SAMPLES[best] - sample) ? byte : best), 0);
  return Buffer.from(Array.from(samples, nearest));
}

class Call {
  constructor(socket) {
    this.socket = socket;
    this.held = Buffer.alloc(0);
    this.voicedFrames = 0;
    this.quietFrames = 0;
    this.yieldedFrames = null; // since the bot was interrupted
    this.position = 0; // what of the greeting comes next
    this.sinceMark = 0;
    this.marks = 0;
    this.playsUntil = 0; // when the carrier will have played all that it was sent
    this.timer = undefined;
    socket.on("message", (data) => this.take(JSON.parse(data)));
    socket.on("close", () => clearTimeout(this.timer));
    socket.on("error", () => socket.terminate());
  }

  take(message) {
    if (message.event === "media") {
      this.hear(Buffer.from(message.media.payload, "base64"));
    } else if (message.event === "start") {
      this.streamSid = message.start.streamSid;
      this.talk();
    }
  }

  talk() {
    this.yieldedFrames = null;
    if (!args.silent) this.topUp();
  }

  hear(sound) {
    this.held = this.held.length ? Buffer.concat([this.held, sound]) : sound;
    while (this.held.length >= FRAME_BYTES) {
      if (isVoiced(this.held)) {
        this.voicedFrames += 1;
        this.quietFrames = 0;
      } else {
        this.voicedFrames = 0;
        this.quietFrames += 1;
      }
      this.held = this.held.subarray(FRAME_BYTES);
      this.turn();
    }
  }

  // After every frame: has the caller taken the floor, or left it?
  turn() {
    if (this.yieldedFrames !== null) {
      this.yieldedFrames += 1;
      if (this.yieldedFrames >= YIELDED_FRAMES && this.quietFrames >= QUIET_FRAMES) this.talk();
    } else if (this.voicedFrames >= VOICED_FRAMES && this.playsUntil > performance.now()) {
      this.interrupt();
    }
  }

  interrupt() {
    clearTimeout(this.timer);
    this.yieldedFrames = 0;
    this.position = 0;
    this.sinceMark = 0;
    this.playsUntil = 0;
    this.send({ event: "clear", streamSid: this.streamSid });
  }

  // Sends as many messages as fit into the lead, and comes back when there is room for another.
  topUp() {
    const now = performance.now();
    this.playsUntil = Math.max(this.playsUntil, now);
    const room = () => LEAD_MS - MESSAGE_BYTES / 8 - (this.playsUntil - now);
    let more = true;
    while (more && room() >= 0) more = this.sayNext();
    if (more) this.timer = setTimeout(() => this.topUp(), -room());
  }

  // Whether there is more to say.
  sayNext() {
    const sound = GREETING.subarray(this.position, this.position + MESSAGE_BYTES);
    this.send({ event: "media", streamSid: this.streamSid, media: { payload: sound.toString("base64") } });
    this.position += sound.length;
    this.sinceMark += sound.length;
    this.playsUntil += sound.length / 8;
    if (this.position === GREETING.length) {
      this.position = 0;
      this.mark("end");
      return args.loop;
    }
    if (this.sinceMark >= MARK_EVERY_BYTES) this.mark("progress");
    return true;
  }

  mark(kind) {
    this.marks += 1;
    this.sinceMark = Math.max(0, this.sinceMark - MARK_EVERY_BYTES);
    this.send({ event: "mark", streamSid: this.streamSid, mark: { name: `${kind}-${this.marks}` } });
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }
}

function isVoiced(sound) {
  let power = 0;
  for (let n = 0; n < FRAME_BYTES; n += 1) power += POWERS[sound[n]];
  return power > VOICED_POWER;
}

const server = createServer((request, response) => {
  request.resume();
  if (request.method !== "POST" || request.url !== "/twilio/voice") return response.writeHead(404).end();
  const url = `ws://${request.headers.host}/media`;
  response.writeHead(200, { "Content-Type": "text/xml" });
  response.end(`<Response><Connect><Stream url="${url}"/></Connect></Response>`);
});
new WebSocketServer({ server, path: "/media" }).on("connection", (socket) => new Call(socket));
server.listen(Number(args.port), "127.0.0.1");
