"""Signatures by Ed25519, as RFC 8032 section 5.1 defines them."""

import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)

Point = tuple[int, int, int, int]
"""Extended homogeneous coordinates X, Y, Z, T: x = X/Z, y = Y/Z, x * y = T/Z."""

NEUTRAL: Point = (0, 1, 1, 0)


def add_points(point: Point, other: Point) -> Point:
    """Return the sum of two points."""
    a = (point[1] - point[0]) * (other[1] - other[0]) % PRIME
    b = (point[1] + point[0]) * (other[1] + other[0]) % PRIME
    c = 2 * point[3] * other[3] * CURVE_D % PRIME
    d = 2 * point[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def multiply_point(factor: int, point: Point) -> Point:
    """Return a point added to itself `factor` times."""
    total = NEUTRAL
    while factor:
        if factor & 1:
            total = add_points(total, point)
        point = add_points(point, point)
        factor >>= 1
    return total


def is_same_point(point: Point, other: Point) -> bool:
    """Return whether two writings are of one point."""
    # Coordinates are ratios to the third; multiplied crosswise they need no division.
    return (point[0] * other[2] - other[0] * point[2]) % PRIME == 0 and (
        point[1] * other[2] - other[1] * point[2]
    ) % PRIME == 0


def decode_point(content: bytes) -> Point | None:
    """Return the point that 32 bytes write, or None."""
    number = int.from_bytes(content, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if len(content) != 32 or y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return (x, y, 1, x * y % PRIME)


BASE = decode_point((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature of 64 bytes over a message is of the holder of a public key."""
    key, commitment = decode_point(public_key), decode_point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or BASE is None:
        return False
    # A scalar and the order more would be a second signature of the same message (RFC 8032).
    if len(signature) != 64 or scalar >= ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(hashed, "little") % ORDER
    right = add_points(commitment, multiply_point(challenge, key))
    return is_same_point(multiply_point(scalar, BASE), right)
