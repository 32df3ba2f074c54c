"""A small HTTP/1.1 and WebSocket server on asyncio, made to misbehave on demand.

    server = Server(handle)             # async handle(request) -> Answer, or a WebSocket was served
    port = await server.listen(0)

An Answer says not only what is sent but how: whole, dropped, reset, cut in the middle, byte by
byte, never. That is why the standard library's http.server and its like are not enough here.
"""
import asyncio
import base64
import hashlib
import json
import os
import socket
import struct
import time
from urllib.parse import parse_qsl, unquote

ADDRESS = os.environ.get("VENUE_ADDRESS", "127.0.0.1")  # 0.0.0.0: for other namespaces, too
HEAD_MAX, BODY_MAX, FRAME_MAX, UNSENT_MAX = 65536, 1 << 20, 1 << 20, 16 << 20
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
REASONS = {
    101: "Switching Protocols",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    409: "Conflict",
    418: "I'm a teapot",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def now_ms():
    return time.time_ns() // 1_000_000


async def pause(seconds):
    """Lateness, which is a venue's to make; tests themselves wait for events."""
    late = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, lambda: late.done() or late.set_result(None))
    await late


def reset(writer):
    """Ends the connection by RST: what was on its way may be lost, and the client is told."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class Request:
    """What arrived, byte for byte, and when."""

    def __init__(self, method, target, headers, body, reader, writer):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.raw_path, _, self.query = target.partition("?")
        self.path = unquote(self.raw_path)
        self.names = {name.lower(): value for name, value in headers}
        self.reader, self.writer = reader, writer
        self.arrived_ms = now_ms()
        self.server = None

    def header(self, name, default=""):
        return self.names.get(name.lower(), default)

    def query_pairs(self):
        return parse_qsl(self.query, keep_blank_values=True)

    def json(self):
        return json.loads(self.body)

    @property
    def wants_websocket(self):
        return self.header("upgrade").lower() == "websocket"


class Answer:
    """Status, body and headers, and how they reach the other side.

    how: whole | drop (close without a byte) | reset (the same by RST) | never (hang until the
    client goes) | truncated (whole head, half a body) | slow (slow_bytes at a time, slow_s between)
    """

    def __init__(self, status=200, body=b"", headers=(), kind="application/json", how="whole"):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body, separators=(",", ":"))
        self.status, self.kind, self.how = status, kind, how
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = list(headers)
        self.slow_bytes, self.slow_s = 1, 0.02
        self.value = None  # the body before it became bytes, for doors other than HTTP

    def bytes(self, keep_alive):
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        if self.kind:
            lines.append(f"Content-Type: {self.kind}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body)}")
        lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Server:
    """One listening port. `sockets` are the WebSockets open now."""

    def __init__(self, handle, pings=None):
        self.handle, self.listener, self.sockets = handle, None, set()
        self.pings = pings if pings is not None else {"ping_s": 20.0, "pong_s": 60.0}
        self.refuse_connections = False

    async def listen(self, port=0, tls=None):
        self.listener = await asyncio.start_server(
            self.serve, ADDRESS, port, limit=HEAD_MAX, backlog=1024, ssl=tls
        )
        return self.listener.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            if self.refuse_connections:
                reset(writer)
                return
            while await self.serve_one(reader, writer):
                pass
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
            ValueError,
        ):
            pass
        finally:
            writer.close()

    async def serve_one(self, reader, writer):
        request = await read_request(reader, writer)
        if request is None:
            return False
        request.server = self
        answer = await self.handle(request)
        if answer is None:  # the connection became a WebSocket and has ended
            return False
        keep = request.header("connection").lower() != "close"
        return await deliver(answer, request, keep) and keep

    def cut(self, kinds=None, how="reset", code=1001):
        """Ends the open WebSockets of these kinds (all if None); answers how many there were."""
        chosen = [ws for ws in self.sockets if kinds is None or ws.kind in kinds]
        for ws in chosen:
            if how == "reset":
                reset(ws.writer)
            elif how == "freeze":
                ws.frozen = True
            else:
                ws.close(code)
        return len(chosen)


async def read_request(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except EOFError:
        return None
    lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
    request = Request(method, target, headers, b"", reader, writer)
    if request.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in request.header("transfer-encoding").lower():
        request.body = await read_chunks(reader)
    else:
        size = int(request.header("content-length") or 0)
        if size > BODY_MAX:
            raise ValueError("body too large")
        request.body = await reader.readexactly(size)
    return request


async def read_chunks(reader):
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        if len(body) + size > BODY_MAX:
            raise ValueError("body too large")
        body += (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            return body


async def deliver(answer, request, keep):
    """Sends the answer in its way; False if the connection ends with it."""
    writer = request.writer
    if answer.how == "never":
        await request.reader.read(1)
    if answer.how == "reset":
        reset(writer)
    if answer.how in ("never", "drop", "reset"):
        return False
    if answer.how == "truncated":
        writer.write(answer.bytes(False) + answer.body[: len(answer.body) // 2])
        await writer.drain()
        return False
    data = answer.bytes(keep) + (b"" if request.method == "HEAD" else answer.body)
    if answer.how == "slow":
        for at in range(0, len(data), answer.slow_bytes):
            writer.write(data[at : at + answer.slow_bytes])
            await writer.drain()
            await pause(answer.slow_s)
    else:
        writer.write(data)
        await writer.drain()
    return True


class WebSocket:
    """The server's end of one WebSocket. `kind` names what it is for, so that it can be cut."""

    def __init__(self, request, kind):
        self.request, self.kind, self.reader, self.writer = (
            request,
            kind,
            request.reader,
            request.writer,
        )
        self.server, self.open, self.frozen = request.server, True, False
        self.last_pong = time.monotonic()
        self.parts, self.received = [], 0
        self.pinger = None

    async def __aenter__(self):
        accept = hashlib.sha1(self.request.header("sec-websocket-key").encode() + GUID).digest()
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {base64.b64encode(accept).decode()}\r\n\r\n"
        )
        self.writer.write(head.encode())
        await self.writer.drain()
        self.server.sockets.add(self)
        self.pinger = asyncio.create_task(self.keep_pinging())
        return self

    async def __aexit__(self, *_):
        self.open = False
        self.pinger.cancel()
        self.server.sockets.discard(self)
        self.writer.close()
        return False

    async def keep_pinging(self):
        pings = self.server.pings
        self.last_pong = time.monotonic()
        while self.open:
            await pause(pings["ping_s"])
            if time.monotonic() - self.last_pong > pings["pong_s"]:
                reset(self.writer)
                return
            self.frame(9, str(now_ms()).encode())

    def frame(self, opcode, payload):
        if not self.open or self.frozen or self.writer.transport.is_closing():
            return
        if self.writer.transport.get_write_buffer_size() > UNSENT_MAX:
            reset(self.writer)
            return
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
        self.writer.write(head + payload)

    def send(self, value):
        self.frame(1, json.dumps(value, separators=(",", ":")).encode())

    def send_text(self, text):
        self.frame(1, text.encode())

    def close(self, code=1000, reason=""):
        self.frame(8, struct.pack("!H", code) + reason.encode())
        self.open = False
        self.writer.close()

    async def receive(self):
        """The next whole message as text; None when the other side has gone."""
        try:
            while True:
                opcode, final, payload = await self.read_frame()
                self.received += 1
                if opcode == 8:
                    self.frame(8, payload[:2])
                    return None
                if opcode == 9:
                    self.frame(10, payload)
                elif opcode == 10:
                    self.last_pong = time.monotonic()
                else:
                    self.parts.append(payload)
                    if final:
                        text, self.parts = b"".join(self.parts), []
                        return text.decode("utf-8", "replace")
        except (EOFError, ConnectionError, ValueError):
            return None

    async def read_frame(self):
        first, second = await self.reader.readexactly(2)
        size = second & 127
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        if size > FRAME_MAX or not second & 128:
            raise ValueError("a frame too large or not masked")
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(size)
        repeated = (mask * (size // 4 + 1))[:size]
        clear = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
        return first & 15, bool(first & 128), clear.to_bytes(size, "big")
