#!/usr/bin/env python3
"""The numbers of MaskBytesTests.swift, computed a second time from the description of the wire format.

    python3 masks.py

Needs the package "cryptography" (written with 48.0.0, Python 3.11). The format, as PairwiseMasks.swift states it:
pair secret  = HKDF-SHA256(X25519 of the two, salt = session, info = "coxswain/1/pair" + study + first|second)
round key    = HKDF-SHA256(pair secret, no salt, info = "coxswain/1/round" + context)
mask         = ChaCha20(round key, counter 0, nonce 0), little-endian 128-bit lanes
masked       = [1, numbers as multiples of 2^-72, 0] + masks with later sites - masks with earlier sites, modulo 2^128
"""
from fractions import Fraction
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SITES = ["site-1", "site-2", "site-3"]
SECRETS = [bytes([number] * 32) for number in (1, 2, 3)]
# rows, people, events, dropped, dropped by died, dropped by months; the trouble lane
NUMBERS = [[3, 3, 2, 0, 0, 0, 0], [2, 2, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
SESSION, STUDY, CONTEXT = (sha256(text).digest() for text in (b"session", b"study", b"context"))


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def mask(own: int, other: int, lanes: int) -> list[int]:
    first, second = sorted((own, other))
    agreed = X25519PrivateKey.from_private_bytes(SECRETS[own]).exchange(
        X25519PrivateKey.from_private_bytes(SECRETS[other]).public_key())
    names = f"{SITES[first]}|{SITES[second]}".encode()
    pair = hkdf(agreed, SESSION, b"coxswain/1/pair" + STUDY + names)
    key = hkdf(pair, b"", b"coxswain/1/round" + CONTEXT)
    stream = Cipher(ChaCha20(key, bytes(16)), None).encryptor().update(bytes(16 * lanes))
    return [int.from_bytes(stream[16 * lane:16 * lane + 16], "little") for lane in range(lanes)]


def masked(site: int) -> bytes:
    lanes = [1] + [int(Fraction(number) * 2**72) for number in NUMBERS[site]] + [0]
    for other in range(len(SITES)):
        if other != site:
            sign = 1 if other > site else -1
            lanes = [lane + sign * noise for lane, noise in zip(lanes, mask(site, other, len(lanes)))]
    return b"".join((lane % 2**128).to_bytes(16, "little") for lane in lanes)


for site, name in enumerate(SITES):
    print(name, sha256(masked(site)).hexdigest(), masked(site)[:16].hex())
