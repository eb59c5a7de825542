// A voice webhook as it is often written in Node: Express and the official Node helper, one process.
//
// Checks the signature over the public URL, finds the number's tenant in a map, answers `<Connect><Stream>`.
// Has no admission, no token that a stream would have to show, no store.

import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import express from "express";
import twilio from "twilio";

const { values: args } = parseArgs({
  options: {
    port: { type: "string", default: "9094" },
    "public-url": { type: "string", default: "https://voice.example.com" },
    token: { type: "string", default: "loadtest" }, // the account's auth token
    numbers: { type: "string", default: "+15550000000:100000" }, // FIRST:COUNT
  },
});

const PUBLIC_URL = args["public-url"];
const STREAMS = PUBLIC_URL.replace("http", "ws");
const DIRECTORY = directory(args.numbers);

// So many numbers from the first, a hundred per tenant.
function directory(numbers) {
  const [first, count] = numbers.split(":").map(Number);
  return new Map(Array.from({ length: count }, (_, index) => [`+${first + index}`, Math.floor(index / 100)]));
}

const app = express();
app.disable("x-powered-by");
app.post("/twilio/voice", express.urlencoded({ extended: false }), (request, response) => {
  const signature = request.get("X-Twilio-Signature") ?? "";
  if (!twilio.validateRequest(args.token, signature, `${PUBLIC_URL}/twilio/voice`, request.body)) {
    return response.sendStatus(403);
  }
  const tenant = DIRECTORY.get(request.body.To);
  const answer = new twilio.twiml.VoiceResponse();
  if (tenant === undefined) {
    answer.reject();
  } else {
    const stream = answer.connect().stream({ url: `${STREAMS}/media` });
    stream.parameter({ name: "tenant", value: String(tenant) });
    stream.parameter({ name: "token", value: randomBytes(16).toString("hex") });
  }
  response.type("text/xml").send(answer.toString());
});
app.listen(Number(args.port), "127.0.0.1");
