"""Twilio's own Python library against `loadtest serve`: nothing changed but the host that it speaks to.

Arguments: base URL, account SID, auth token, API key, its secret, the URL of the voice webhook (its status callbacks go
to the same server). Prints what it did; exit code 1 with the first thing that was not as Twilio has it.
"""

import sys
import time
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

BASE, ACCOUNT, TOKEN, KEY, SECRET, VOICE = sys.argv[1:7]
OWNED, SOMEBODY = "+14155550199", "+15551230001"


class Rebased(TwilioHttpClient):
    """The library's own client; only scheme and host differ."""

    def request(self, method, url, *args, **kwargs):
        base, wanted = urlsplit(BASE), urlsplit(url)
        url = urlunsplit((base.scheme, base.netloc, wanted.path, wanted.query, wanted.fragment))
        return super().request(method, url, *args, **kwargs)


def connect(user, password, timeout=None):
    return Client(user, password, ACCOUNT, http_client=Rebased(timeout=timeout))


def refused(status, code, act):
    try:
        act()
    except TwilioRestException as error:
        assert (error.status, error.code) == (status, code), f"{error.status} {error.code} {error.msg}"
        assert error.msg, "a refusal without a message"
        return
    raise AssertionError(f"expected {status} {code}, and it was accepted")


def until(call, *statuses):
    for _ in range(200):
        seen = call.fetch()
        if seen.status in statuses:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"{call.sid} stays {seen.status}, expected {statuses}")


def create(client, **more):
    usual = {"to": SOMEBODY, "from_": OWNED, "url": VOICE}
    return client.calls.create(**{**usual, **more})


def calls(client):
    events = ["initiated", "ringing", "answered", "completed"]
    status = VOICE.replace("voice", "status")
    call = create(client, status_callback=status, status_callback_event=events, timeout=20)
    assert call.sid.startswith("CA") and len(call.sid) == 34, call.sid
    assert (call.status, call.direction, call.to, call._from) == ("queued", "outbound-api", SOMEBODY, OWNED)
    assert call.queue_time == "0" and call.account_sid == ACCOUNT and call.duration is None
    assert abs(call.date_created - datetime.now(timezone.utc)) < timedelta(minutes=1), call.date_created
    running = until(call, "in-progress")
    assert running.start_time is not None and running.end_time is None
    assert running.update(status="completed").sid == call.sid
    ended = until(call, "completed")
    assert isinstance(ended.duration, str) and int(ended.duration) >= 0, ended.duration
    assert ended.end_time >= ended.start_time
    print("created, followed and ended", call.sid)
    refused(400, 21220, lambda: call.update(status="completed"))
    return call


def lists(client, ended):
    inline = "<Response><Pause length='1'/></Response>"
    more = [client.calls.create(to=SOMEBODY, from_=OWNED, twiml=inline) for _ in range(3)]
    assert [call.status for call in more] == ["queued"] * 3
    assert int(more[2].queue_time) > 1000, more[2].queue_time
    assert more[2].update(status="canceled").status == "canceled"
    everything = [call.sid for call in client.calls.list()]
    assert everything == [call.sid for call in reversed(more)] + [ended.sid], everything
    paged = [call.sid for call in client.calls.list(page_size=1)]
    assert paged == everything, paged
    assert [call.sid for call in client.calls.list(limit=2)] == everything[:2]
    assert [call.sid for call in client.calls.list(status="canceled")] == [more[2].sid]
    since, today = datetime.now(timezone.utc) - timedelta(hours=1), datetime.now(timezone.utc)
    assert ended.sid in [call.sid for call in client.calls.list(to=SOMEBODY, start_time_after=since)]
    assert client.calls.list(start_time_after=today + timedelta(days=2)) == []
    assert client.calls.list(end_time_before=since) == []
    until(more[0], "completed")
    assert more[0].delete()
    refused(404, 20404, lambda: client.calls(more[0].sid).fetch())
    print("listed, paged, filtered, canceled, deleted")


def redirect(client):
    call = create(client)
    until(call, "in-progress")
    call.update(twiml="<Response><Hangup/></Response>")
    until(call, "completed")
    refused(400, 21220, lambda: call.update(twiml="<Response/>"))
    print("redirected", call.sid)


def children(client):
    status = VOICE.replace("voice", "leg")
    twiml = VoiceResponse()
    dial = twiml.dial()
    dial.number("+14155550123", status_callback=status, status_callback_event="answered completed")
    call = client.calls.create(to=SOMEBODY, from_=OWNED, twiml=str(twiml))
    for _ in range(200):
        found = client.calls.list(parent_call_sid=call.sid)
        if found:
            break
        time.sleep(0.05)
    (child,) = found
    assert (child.direction, child.parent_call_sid, child.to) == ("outbound-dial", call.sid, "+14155550123")
    until(child, "in-progress")
    assert child.update(status="completed").sid == child.sid
    assert int(until(child, "completed").duration) >= 1
    assert until(call, "completed").parent_call_sid is None
    print("dialled", child.sid, "from", call.sid)


def streams(client):
    call = create(client)
    until(call, "in-progress")
    url = urlunsplit(("ws", urlsplit(VOICE).netloc, "/media", "", ""))
    status = VOICE.replace("voice", "stream")
    streams = client.calls(call.sid).streams
    stream = streams.create(
        url=url,
        name="ear",
        track="both_tracks",
        status_callback=status,
        parameter1_name="token",
        parameter1_value="a & b",
    )
    assert (stream.status, stream.name, stream.call_sid) == ("in-progress", "ear", call.sid)
    assert stream.sid.startswith("MZ") and stream.account_sid == ACCOUNT, stream.sid
    time.sleep(0.5)
    assert streams("ear").update(status="stopped").status == "stopped"
    refused(400, 21220, lambda: streams(stream.sid).update(status="stopped"))
    refused(400, 31922, lambda: streams.create(url="https://example.com"))
    refused(404, 20404, lambda: streams("other").update(status="stopped"))
    call.update(status="completed")
    until(call, "completed")
    refused(400, 21220, lambda: streams.create(url=url))
    print("streamed", stream.sid, "of", call.sid)


def recordings(client):
    call = create(client)
    until(call, "in-progress")
    tape = client.calls(call.sid).recordings.create(recording_channels="dual")
    assert (tape.status, tape.channels, tape.source) == ("in-progress", 2, "StartCallRecordingAPI")
    time.sleep(0.5)
    assert client.calls(call.sid).recordings("Twilio.CURRENT").update(status="stopped").status == "stopped"
    kept = until(client.recordings(tape.sid).fetch(), "completed")
    assert int(kept.duration) >= 1 and kept.call_sid == call.sid, kept.duration
    assert kept.media_url.startswith(BASE), kept.media_url
    with urlopen(kept.media_url) as media:
        assert media.read(4) == b"RIFF"
    assert [found.sid for found in client.recordings.list(call_sid=call.sid)] == [tape.sid]
    assert kept.delete()
    refused(404, 20404, lambda: kept.fetch())
    call.update(status="completed")
    print("recorded", call.sid)


def numbers(client):
    number = client.incoming_phone_numbers.list(phone_number=OWNED)[0]
    assert number.phone_number == OWNED and number.voice_url == VOICE
    assert number.capabilities["voice"] is True
    changed = number.update(voice_url=VOICE + "2", voice_method="GET", status_callback=VOICE + "3")
    assert (changed.voice_url, changed.voice_method) == (VOICE + "2", "GET")
    assert number.fetch().status_callback == VOICE + "3"
    assert client.incoming_phone_numbers(number.sid).update(voice_url="").voice_url == ""
    number.update(voice_url=VOICE, voice_method="POST", status_callback="")
    refused(400, 21402, lambda: number.update(voice_url="nonsense"))
    print("numbers found and changed")


def faults(client):
    """What a client meets when the API misbehaves as it was told to, and how many calls there are behind it."""

    def goes_wrong(**fault):
        asked = Request(f"{BASE}/loadtest/Accounts/{ACCOUNT}/Faults.json", urlencode({"Times": 1, **fault}).encode())
        asked.add_header("Authorization", "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode())
        assert urlopen(asked).status == 201

    def made(to):
        return len(client.calls.list(to=to))

    to = "+15551230077"
    goes_wrong(Kind="refuse", Status=429)
    refused(429, 20429, lambda: create(client, to=to))
    goes_wrong(Kind="refuse", Status=503)
    refused(503, 20503, lambda: create(client, to=to))
    assert made(to) == 0, "what is refused was not made"
    for number, fault in enumerate([{"Kind": "cut"}, {"Kind": "late", "Ms": 3000}], 1):
        goes_wrong(**fault)
        try:
            create(connect(ACCOUNT, TOKEN, timeout=1), to=to)
        except RequestException:
            assert made(to) == number, "a call was made that nobody was told of"
        else:
            raise AssertionError(f"{fault} was answered")
    goes_wrong(Kind="stale", Ms=60000)
    assert made(to) == 0 and made(to) == 2
    print("misbehaved as it was told to")


def errors(client):
    refused(400, 21211, lambda: create(client, to="nobody"))
    refused(400, 21210, lambda: create(client, from_="+14155550100"))
    refused(400, 21205, lambda: create(client, url="nonsense"))
    refused(400, 32018, lambda: client.calls.create(to=SOMEBODY, from_=OWNED, twiml="x" * 4001))
    refused(404, 20404, lambda: client.calls("CA" + "0" * 32).fetch())
    refused(401, 20003, lambda: connect(ACCOUNT, "wrong").api.account.fetch())
    assert client.api.account.fetch().sid == ACCOUNT
    print("refused with Twilio's codes")


def main():
    client = connect(ACCOUNT, TOKEN)
    ended = calls(client)
    lists(client, ended)
    redirect(connect(KEY, SECRET))
    children(client)
    streams(client)
    recordings(client)
    numbers(client)
    errors(client)
    faults(client)


main()
