"""A voice webhook as it is often written: FastAPI and the official Python helper, one process.

Checks the signature over the public URL, finds the number's tenant in a dictionary, answers `<Connect><Stream>`.
Has no admission, no token for the stream, no store.
"""

import argparse
import resource
import secrets

import uvicorn
from fastapi import FastAPI, Request, Response
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, VoiceResponse

app = FastAPI()


@app.post("/twilio/voice")
async def voice(request: Request) -> Response:
    form = await request.form()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not VALIDATOR.validate(f"{ARGS.public_url}/twilio/voice", form, signature):
        return Response(status_code=403)
    tenant = DIRECTORY.get(form.get("To"))
    answer = VoiceResponse()
    if tenant is None:
        answer.reject()
    else:
        connect = Connect()
        stream = connect.stream(url=f"{STREAMS}/media")
        stream.parameter(name="tenant", value=str(tenant))
        stream.parameter(name="token", value=secrets.token_hex(16))
        answer.append(connect)
    return Response(str(answer), media_type="text/xml")


def directory(numbers: str) -> dict[str, int]:
    """`+15550000000:100000`: so many numbers from there, a hundred per tenant."""
    first, count = numbers.split(":")
    return {f"+{int(first) + index}": index // 100 for index in range(int(count))}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9093)
    parser.add_argument("--public-url", default="https://voice.example.com")
    parser.add_argument("--token", default="loadtest", help="the account's auth token")
    parser.add_argument("--numbers", default="+15550000000:100000", help="FIRST:COUNT")
    return parser.parse_args()


if __name__ == "__main__":
    ARGS = arguments()
    VALIDATOR = RequestValidator(ARGS.token)
    STREAMS = ARGS.public_url.replace("http", "ws", 1)
    DIRECTORY = directory(ARGS.numbers)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvicorn.run(app, host="127.0.0.1", port=ARGS.port, log_level="warning", access_log=False)
