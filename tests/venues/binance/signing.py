"""Signatures as the exchange checks them: HMAC-SHA256 and Ed25519 (RFC 8032), no library needed."""
import base64
import binascii
import hashlib
import hmac
from urllib.parse import unquote

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
SEED_HEAD = bytes.fromhex("302e020100300506032b657004220420")  # PKCS#8 around a 32-byte seed
KEY_HEAD = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo around a key


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def recover_x(y, odd):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and odd):
        return None
    return P - x if x & 1 != odd else x


def decode_point(data):
    y = int.from_bytes(data, "little")
    odd, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, odd) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def encode_point(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode_point(bytes([0x58] + [0x66] * 31))


def ed25519_public(seed):
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return encode_point(times(int.from_bytes(digest, "little"), BASE))


def ed25519_verify(public, message, signature):
    if len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    a, r = decode_point(public), decode_point(signature[:32])
    if a is None or r is None or s >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return not (left[0] * right[2] - right[0] * left[2]) % P and not (
        (left[1] * right[2] - right[1] * left[2]) % P
    )


def pem(kind, der):
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


def private_pem(seed):
    return pem("PRIVATE KEY", SEED_HEAD + seed)


def public_from_pem(text):
    body = "".join(line for line in text.splitlines() if "-----" not in line)
    return base64.b64decode(body)[-32:]


class Key:
    """One API key: an HMAC secret or an Ed25519 public key."""

    def __init__(self, name, kind, material):
        self.name, self.kind, self.material = name, kind, material

    def signed(self, payload, signature):
        """Whether `signature` (percent-decoded text) is this key's over the payload's bytes."""
        if self.kind == "hmac":
            wanted = hmac.new(self.material.encode(), payload, hashlib.sha256).hexdigest()
            return hmac.compare_digest(wanted, signature.lower())
        try:
            data = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        return ed25519_verify(self.material, payload, data)


def split_signature(text):
    """A query or form without its signature, and the signature (None if there is none)."""
    parts = text.split("&") if text else []
    kept = [part for part in parts if not part.startswith("signature=")]
    found = [part[len("signature=") :] for part in parts if part.startswith("signature=")]
    # As in any form, a bare + is a blank: an encoding forgotten by the client is a bad signature.
    return "&".join(kept), unquote(found[-1].replace("+", " ")) if found else None


def well_encoded(text):
    """Only what may stand in a percent-encoded query; the exchange signs nothing else."""
    return all(33 <= ord(c) < 127 and c not in '"<>\\^`{|}' for c in text)
