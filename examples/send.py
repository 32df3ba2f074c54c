#!/usr/bin/env python3
"""Sends a signal signed as Standard Webhooks ask for. Python's standard library only.

    WEBHOOK_SECRET=... examples/send.py http://127.0.0.1:8787/webhook/model \\
        strategy=meanrev instrument=GOLD_MINI type=BASE_ENTRY position=Long_1 \\
        price=72000 stop=71650 atr=140

The timestamp is the present unless one is given. A 5xx, or no answer at all, is sent again with the
same body: the host acts on it once, however often it arrives.
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

TRIES = 5


def sign(secret, message_id, timestamp, body):
    """The value of webhook-signature: HMAC-SHA256 of "id.timestamp.body"."""
    key = (base64.b64decode(secret[len("whsec_"):]) if secret.startswith("whsec_")
           else secret.encode())
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send_once(url, body, secret, message_id):
    headers = {"Content-Type": "application/json"}
    if secret:
        now = str(int(time.time()))
        headers |= {"webhook-id": message_id, "webhook-timestamp": now,
                    "webhook-signature": sign(secret, message_id, now, body)}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def main():
    if len(sys.argv) < 3 or any("=" not in word for word in sys.argv[2:]):
        sys.exit(__doc__)
    signal = dict(word.split("=", 1) for word in sys.argv[2:])
    signal.setdefault("timestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    body = json.dumps(signal).encode()
    message_id = f"msg_{uuid.uuid4().hex}"
    for attempt in range(TRIES):
        status, text = send_once(sys.argv[1], body, os.environ.get("WEBHOOK_SECRET"), message_id)
        print(status, text)
        if status not in (0, 429, 503):
            return 0 if 200 <= status < 300 else 1
        time.sleep(2 ** attempt)
    return 1


if __name__ == "__main__":
    sys.exit(main())
