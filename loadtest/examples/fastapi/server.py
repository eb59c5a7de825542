"""A Media Streams server as it is often written: FastAPI, one task that hears and one that speaks per call, webrtcvad.

Checks no signature, keeps no ledger of what was heard, has no time-outs and no gates in front of its detector.
"""

import argparse
import asyncio
import audioop
import base64
import json
import resource
import time
import wave
from pathlib import Path

import uvicorn
import webrtcvad
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect

FRAME_BYTES = 160  # 20 ms
MESSAGE_BYTES = 8 * FRAME_BYTES  # 160 ms
MARK_EVERY_BYTES = 25 * FRAME_BYTES  # 500 ms
LEAD_S = 0.4  # sound kept waiting at the carrier
VOICED_FRAMES = 5  # in a row interrupt the bot
YIELDED_FRAMES = 50  # 1 s after an interruption …
QUIET_FRAMES = 25  # … and 500 ms without voice, the bot speaks again
CLIPS = Path(__file__).parents[2] / "clips"


def greeting() -> bytes:
    """µ-law: "I'm sorry. All circuits are busy now. One moment please."."""
    sound = b""
    for name in ("en-im-sorry", "en-all-circuits-busy-now", "en-one-moment-please"):
        with wave.open(str(CLIPS / f"{name}.wav")) as clip:
            sound += audioop.lin2ulaw(clip.readframes(clip.getnframes()), 2)
    return sound


GREETING = greeting()
app = FastAPI()


@app.post("/twilio/voice")
async def voice(request: Request) -> Response:
    url = f"ws://{request.headers['host']}/media"
    twiml = f'<Response><Connect><Stream url="{url}"/></Connect></Response>'
    return Response(twiml, media_type="text/xml")


@app.websocket("/media")
async def media(socket: WebSocket) -> None:
    await socket.accept()
    await Call(socket).run()


class Call:
    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.stream_sid = ""
        self.vad = webrtcvad.Vad(3)
        self.held = b""
        self.voiced_frames = self.quiet_frames = 0
        self.yielded_frames: int | None = None  # since the bot was interrupted
        self.plays_until = 0.0  # when the carrier will have played all that it was sent
        self.marks = 0
        self.speaker: asyncio.Task | None = None

    async def run(self) -> None:
        try:
            async for text in self.socket.iter_text():
                message = json.loads(text)
                if message["event"] == "media":
                    await self.hear(message["media"]["payload"])
                elif message["event"] == "start":
                    self.stream_sid = message["start"]["streamSid"]
                    self.talk()
        except WebSocketDisconnect:
            pass
        finally:
            self.hush()

    def talk(self) -> None:
        self.yielded_frames = None
        if not ARGS.silent:
            self.speaker = asyncio.create_task(self.speak())

    def hush(self) -> None:
        if self.speaker:
            self.speaker.cancel()

    async def hear(self, payload: str) -> None:
        self.held += base64.b64decode(payload)
        while len(self.held) >= FRAME_BYTES:
            pcm = audioop.ulaw2lin(self.held[:FRAME_BYTES], 2)
            self.held = self.held[FRAME_BYTES:]
            if self.vad.is_speech(pcm, 8000):
                self.voiced_frames, self.quiet_frames = self.voiced_frames + 1, 0
            else:
                self.voiced_frames, self.quiet_frames = 0, self.quiet_frames + 1
            await self.turn()

    async def turn(self) -> None:
        """After every frame: has the caller taken the floor, or left it?"""
        if self.yielded_frames is not None:
            self.yielded_frames += 1
            if self.yielded_frames >= YIELDED_FRAMES and self.quiet_frames >= QUIET_FRAMES:
                self.talk()
        elif self.voiced_frames >= VOICED_FRAMES and self.plays_until > time.monotonic():
            self.hush()
            self.yielded_frames = 0
            self.plays_until = 0.0
            await self.send({"event": "clear", "streamSid": self.stream_sid})

    async def speak(self) -> None:
        while True:
            await self.say_greeting()
            if not ARGS.loop:
                return

    async def say_greeting(self) -> None:
        since_mark = 0
        for position in range(0, len(GREETING), MESSAGE_BYTES):
            sound = GREETING[position : position + MESSAGE_BYTES]
            await self.room()
            payload = base64.b64encode(sound).decode()
            # Before sending, which may give way to the task that hears.
            self.plays_until = max(self.plays_until, time.monotonic()) + len(sound) / 8000
            await self.send({"event": "media", "streamSid": self.stream_sid, "media": {"payload": payload}})
            since_mark += len(sound)
            if since_mark >= MARK_EVERY_BYTES:
                since_mark -= MARK_EVERY_BYTES
                await self.mark("progress")
        await self.mark("end")

    async def room(self) -> None:
        """Until a whole message fits into the lead."""
        wait_s = self.plays_until + MESSAGE_BYTES / 8000 - LEAD_S - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def mark(self, kind: str) -> None:
        self.marks += 1
        await self.send({"event": "mark", "streamSid": self.stream_sid, "mark": {"name": f"{kind}-{self.marks}"}})

    async def send(self, message: dict) -> None:
        await self.socket.send_text(json.dumps(message))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9091)
    parser.add_argument("--loop", action="store_true", help="repeat the greeting for as long as nobody interrupts")
    parser.add_argument("--silent", action="store_true", help="never speak")
    return parser.parse_args()


if __name__ == "__main__":
    ARGS = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvicorn.run(app, host="127.0.0.1", port=ARGS.port, log_level="warning")
