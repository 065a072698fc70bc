#!/usr/bin/env python3
"""Makes Sources/Survival/Numerics/NumericTables.swift, with mpmath at 60 digits.

    Tests/SurvivalTests/Numerics/tables.py > Sources/Survival/Numerics/NumericTables.swift

Every number is printed in hexadecimal, as the bits that the program computes with.
"""
import struct
import sys

import mpmath as mp

mp.mp.dps = 60


def double(x):
    """The double nearest to x."""
    return float(mp.mpf(x))


def literal(x):
    mantissa, exponent = double(x).hex().split("p")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}p{int(exponent)}"


def array(comment, name, values, across):
    lines = [f"    /// {line}".rstrip() for line in comment.split("\n")]
    lines.append(f"    static let {name}: [Double] = [")
    for first in range(0, len(values), across):
        lines.append("        " + ", ".join(map(literal, values[first:first + across])) + ",")
    return "\n".join(lines + ["    ]"])


def exponential():
    """2^(j/128) as the nearest double, and what is missing from it relative to it."""
    pairs = []
    for j in range(128):
        exact = mp.mpf(2) ** (mp.mpf(j) / 128)
        high = double(exact)
        pairs += [high, (exact - high) / high]
    return pairs


# The bits of the smallest significand: each is brought to [0.7057, 1.4114), and these bits are cut into 128 equal parts. One
# stands a third into its part, so that near 1 nothing is added to log(1 + r).
SIGNIFICAND_START = 0x3FE6955500000000


def number(bits):
    return mp.mpf(struct.unpack("<d", struct.pack("<Q", bits))[0])


def logarithm():
    """For each part a reciprocal of at most nine bits, and its negative logarithm in two parts."""
    triples, worst = [], 0
    for part in range(128):
        low, high = (number(SIGNIFICAND_START + ((part + end) << 45)) for end in (0, 1))
        farthest, numerator = min((max(abs(low * n / 256 - 1), abs(high * n / 256 - 1)), n) for n in range(180, 364))
        if low < 1 < high:
            farthest, numerator = high - 1, 256
        worst = max(worst, farthest)
        exact = -mp.log(mp.mpf(numerator) / 256)
        rounded = mp.nint(exact * 2 ** 43) / mp.mpf(2) ** 43
        triples += [mp.mpf(numerator) / 256, rounded, exact - rounded]
    print(f"log: |r| up to {mp.nstr(worst, 3)}", file=sys.stderr)
    return triples


def polynomial(f, low, high, degree):
    """Coefficients, from the constant on, of the interpolation of f at Chebyshev's points, in the distance from the middle."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    count = degree + 1
    points = [mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    values = [f(middle + half * p) for p in points]
    chebyshev = [
        2 / mp.mpf(count) * sum(v * mp.cos(mp.pi * n * (2 * k + 1) / (2 * count)) for k, v in enumerate(values))
        for n in range(count)]
    chebyshev[0] /= 2
    before, now = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    total = [mp.mpf(0)] * count
    for n, c in enumerate(chebyshev):
        basis = before if n == 0 else now
        for k, b in enumerate(basis):
            total[k] += c * b
        if n > 0:
            following = [mp.mpf(0)] + [2 * b for b in now]
            for k, b in enumerate(before):
                following[k] -= b
            before, now = now, following
    return [c / half ** k for k, c in enumerate(total)]


def check(f, low, high, coefficients, name):
    """The largest relative error of the polynomial with rounded coefficients, in exact arithmetic."""
    middle, worst = (mp.mpf(low) + high) / 2, mp.mpf(0)
    for k in range(400):
        x = low + (mp.mpf(high) - low) * (k + mp.mpf(1) / 2) / 400
        value = mp.polyval([mp.mpf(double(c)) for c in reversed(coefficients)], x - middle)
        worst = max(worst, abs(value / f(x) - 1))
    print(f"{name}: {mp.nstr(worst, 3)}", file=sys.stderr)


def error_function():
    """erf(x)/x in x² on [0, 1]."""
    def f(s):
        return mp.erf(mp.sqrt(s)) / mp.sqrt(s) if s > 0 else 2 / mp.sqrt(mp.pi)
    coefficients = polynomial(f, 0, 1, 14)
    check(f, 0, 1, coefficients, "erf")
    return coefficients


def scaled_complement():
    """exp(x²) erfc(x)/t in t = 1/(1 + x/4), in sixteen parts of (0, 1)."""
    def f(t):
        x = 4 * (1 / t - 1)
        # The asymptotic series where mpmath would have to go through numbers of a thousand digits.
        if x > 1000:
            return sum((-1) ** n * mp.fac2(2 * n - 1) / (2 * x * x) ** n for n in range(8)) / mp.sqrt(mp.pi) / x / t
        return mp.exp(x * x) * mp.erfc(x) / t
    coefficients = []
    for part in range(16):
        low, high = mp.mpf(part) / 16, mp.mpf(part + 1) / 16
        own = polynomial(f, low, high, 11)
        check(f, low, high, own, f"erfcx {part}")
        coefficients += own
    return coefficients


def log_gamma_to_two():
    """log Γ(1 + u)/(u(u − 1)) on [0, 1]."""
    def f(u):
        if u == 0:
            return mp.euler
        if u == 1:
            return 1 - mp.euler
        return mp.loggamma(1 + u) / (u * (u - 1))
    coefficients = polynomial(f, 0, 1, 23)
    check(f, 0, 1, coefficients, "lgamma 1-2")
    return coefficients


def log_gamma_to_three():
    """log Γ(2 + u)/u on [0, 1]."""
    def f(u):
        return mp.loggamma(2 + u) / u if u > 0 else 1 - mp.euler
    coefficients = polynomial(f, 0, 1, 18)
    check(f, 0, 1, coefficients, "lgamma 2-3")
    return coefficients


print("// Made by Tests/SurvivalTests/Numerics/tables.py; not to be edited.")
print()
print("/// Constants of the elementary and special functions, made with 60 digits.")
print("enum NumericTables {")
print("\n\n".join([
    array("2^(j/128) for j from 0 to 127, each followed by what is missing from it, relative to it.",
          "powersOfTwo", exponential(), 4),
    array("For each of 128 parts of the significands: a reciprocal, its negative logarithm to 43 bits past the point, the rest of it.",
          "reciprocals", logarithm(), 3),
    array("erf(x)/x, in x² − ½ on [0, 1].", "errorFunction", error_function(), 4),
    array("exp(x²) erfc(x)/t, t = 1/(1 + x/4), in t less the middle of its part; twelve for each sixteenth of (0, 1).",
          "scaledComplement", scaled_complement(), 4),
    array("log Γ(1 + u)/(u(u − 1)), in u − ½ on [0, 1].", "logGammaToTwo", log_gamma_to_two(), 4),
    array("log Γ(2 + u)/u, in u − ½ on [0, 1].", "logGammaToThree", log_gamma_to_three(), 4),
]))
print("}")
