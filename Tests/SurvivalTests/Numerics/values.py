#!/usr/bin/env python3
"""Makes values.json beside it: what each function is at hard and at random arguments, with mpmath at 100 digits and more.

    Tests/SurvivalTests/Numerics/values.py > Tests/SurvivalTests/Numerics/values.json

An argument and a value are bits of doubles in hexadecimal; the value is followed by what is missing from it in units of its last
place, so that an error can be told in fractions of those.
"""
import json
import math
import random
import struct

import mpmath as mp

mp.mp.dps = 100
random.seed(20240501)


def bits(x):
    return f"{struct.unpack('<Q', struct.pack('<d', x))[0]:016x}"


def number(pattern):
    return struct.unpack("<d", struct.pack("<Q", pattern))[0]


def nearest(exact):
    """The double nearest to an exact number, with subnormal ones and overflow; and the unit of its last place."""
    if exact == 0:
        return 0.0, mp.mpf(2) ** -1074
    exponent = max(int(mp.floor(mp.log(abs(exact), 2))), -1022)
    unit = mp.mpf(2) ** (exponent - 52)
    steps = mp.nint(exact / unit)
    value = steps * unit
    if abs(value) >= mp.mpf(2) ** 1024:
        return math.copysign(math.inf, value), unit
    return math.ldexp(int(steps), exponent - 52), unit


def line(arguments, exact):
    value, unit = nearest(exact)
    missing = 0.0 if math.isinf(value) else float((exact - mp.mpf(value)) / unit)
    return [*map(bits, arguments), bits(value), round(missing, 6)]


def around(*places):
    """Each place with its neighbours near and far."""
    for place in places:
        for step in (-1000003, -3, -2, -1, 0, 1, 2, 3, 1000003):
            yield number(struct.unpack("<Q", struct.pack("<d", place))[0] + step)


def uniform(low, high, count):
    return [random.uniform(low, high) for _ in range(count)]


def logarithmic(low, high, count, signs=(1,)):
    return [random.choice(signs) * 2.0 ** random.uniform(low, high) for _ in range(count)]


SUBNORMAL = [number(p) for p in (1, 2, 3, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x0000123456789ABC)]
LARGEST = number(0x7FEFFFFFFFFFFFFF)


def exponentials():
    yield from around(1.0, 0.5, 709.0, 709.782712893384, 705.0, 20.0, 37.0, 40.0, 0.0027076061740622863)
    yield from around(-1.0, -708.3964185322641, -708.0, -720.0, -740.0, -745.0, -745.1332191019411, -36.7, -37.5, -40.0)
    yield from [0.0, -0.0, *SUBNORMAL, 2.0 ** -54, 2.0 ** -53, -(2.0 ** -54), 1e-5, -1e-5]
    # Between two steps of the table.
    yield from around(*[k * math.log(2) / 256 for k in (1, 3, 5, 127, 255, 12345, 180001)])
    yield from around(*[-k * math.log(2) / 256 for k in (1, 3, 5, 127, 255, 12345, 180001)])
    yield from uniform(-745, 709.78, 150)
    yield from uniform(-2, 2, 150)
    yield from logarithmic(-60, 0, 100, (1, -1))


def logarithms():
    yield from around(1.0, 2.0, 0.5, math.e, 10.0, 1e300, 1e-300, 0.7057, 1.4114, math.sqrt(2), math.sqrt(0.5))
    yield from around(0.9987, 1.0052, 0.9948, 0.97, 1.03, 0.75, 1.25)
    yield from [*SUBNORMAL, LARGEST, 5e-320, 1e-310]
    yield from uniform(0.5, 2, 100)
    yield from [1 + x for x in logarithmic(-52, -3, 150, (1, -1))]
    yield from logarithmic(-1074, 1023, 100)


def logarithms1p():
    yield from [0.0, -0.0, *SUBNORMAL, LARGEST, 2.0 ** -53, -(2.0 ** -53), 1e15, 1e16, 1e17, 1e300]
    yield from around(1.0, 0.5, 2.0 ** -52, 2.0 ** -51, -0.5, -0.25, -0.9999, 0.41421356237309503, -0.2928932188134524)
    yield from [-1 + x for x in logarithmic(-52, -3, 100)]
    yield from uniform(-1, 3, 150)
    yield from logarithmic(-60, 0, 150, (1, -1))
    yield from logarithmic(0, 1023, 100)


def powers():
    yield from [(2.0, 0.5), (2.0, 3.0), (10.0, -3.0), (10.0, 300.0), (1.0000000000000002, 4e15), (0.9999999999999999, 1e17),
                (1.5, 1750.0), (2.0, -1074.0), (2.0, -1073.5), (3.0, -677.0), (-2.0, 3.0), (-2.0, 2.0), (-0.5, 1075.0),
                (0.1, 1e-20), (5e-324, 0.5), (5e-324, 1.0), (LARGEST, 0.5), (LARGEST, 1.0), (LARGEST, -1.0), (5e-324, -0.9)]
    for _ in range(200):
        yield random.uniform(0, 1), random.choice([0.5, 1.0, 2.0, random.uniform(0, 5), random.uniform(-3, 3)])
    for _ in range(200):
        x = 2.0 ** random.uniform(-1000, 1000)
        yield x, random.uniform(-745, 709) / math.log(x)
    for _ in range(100):
        x = 1 + random.choice([1, -1]) * 2.0 ** random.uniform(-50, -4)
        yield x, random.uniform(-745, 709) / math.log(x)


def error_functions():
    yield from [0.0, -0.0, *SUBNORMAL, 1e-300, -1e-300]
    yield from around(0.5, 1.0, 2.0, 3.0, 4.0, 5.9, 6.0, 26.0, 26.5, 0.4769, 12.0)
    yield from around(-0.5, -1.0, -3.0, -5.9)
    yield from uniform(-6, 27, 100)
    yield from uniform(-2, 2, 150)
    yield from logarithmic(-60, 0, 100, (1, -1))


def gammas():
    yield from around(1.0, 2.0, 3.0, 0.5, 1.5, 1.4616321449683623, 8.0, 9.0, 4.0, 15.0, 100.0)
    yield from [*SUBNORMAL, 1e-300, 1e-20, 1e10, 1e100, 1e300, 2.5e305]
    yield from uniform(0, 3, 100)
    yield from uniform(0, 20, 150)
    yield from logarithmic(-50, 0, 50)
    yield from [1 + x for x in logarithmic(-52, -3, 100, (1, -1))]
    yield from [2 + x for x in logarithmic(-51, -3, 100, (1, -1))]
    yield from logarithmic(4, 100, 100)


def erfc(x):
    return mp.erfc(x)


def log_gamma(x):
    with mp.workdps(160):
        return mp.loggamma(x)


TABLES = {
    "exponential": (exponentials, mp.exp),
    "exponentialMinus1": (exponentials, mp.expm1),
    "logarithm": (logarithms, mp.log),
    "logarithm1p": (logarithms1p, mp.log1p),
    "errorFunction": (error_functions, mp.erf),
    "complementaryErrorFunction": (error_functions, erfc),
    "logGamma": (gammas, log_gamma),
}

result = {}
for name, (arguments, function) in TABLES.items():
    result[name] = [line([x], function(mp.mpf(x))) for x in arguments()]
with mp.workdps(400):
    result["power"] = [line([x, y], mp.power(mp.mpf(x), mp.mpf(y))) for x, y in powers()]
print("{")
print(",\n".join(f'"{name}": [\n' + ",\n".join(map(json.dumps, lines)) + "\n]" for name, lines in result.items()))
print("}")
