"""The arithmetic of a polling client: how often even a perfect server is late, and exact percentiles.

A client measures its interval from the *start* of a poll and shortens it by the smoothed round trip, so the
longest wait of a message is interval + (this round trip - smoothed round trip). A message is late with the
probability that it falls into the positive part of that difference (contract: The 2 s arithmetic).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice

SMOOTHING = 1 / 8
"""The weight of a new sample, as TCP smooths its round trips (RFC 6298)."""

CONFIDENT = 3.29
"""How many standard deviations on each side leave out one value in a thousand."""

FALSE_ALARM = 0.001
"""The probability with which a perfect server may be found late."""


def smoothed_round_trip(previous_s: float | None, sample_s: float) -> float:
    """Return the smoothed round trip after one more sample, in seconds; the first one is taken as it is."""
    if previous_s is None:
        return sample_s
    return previous_s + SMOOTHING * (sample_s - previous_s)


def floor_share(
    round_trips_s: Iterable[float],
    interval_s: float,
    acceptable_round_trip_s: float,
    *,
    slack_s: float = 0.0,
    in_round_s: Sequence[float] | None = None,
) -> float:
    """Return the share of messages, 0 to 1, that a perfect server delivers late to one client.

    `round_trips_s` are those of one consumer, in order. A round trip counts only up to
    `acceptable_round_trip_s`: what is beyond is the server's own delay. `slack_s` is the promised delivery
    time minus the interval. `in_round_s` is how long after the begin of its round each poll was answered, if
    some follow at once because a page was full. Raise ValueError if the interval is not positive.
    """
    if interval_s <= 0:
        raise ValueError(f"a polling interval is more than 0 s, not {interval_s}")
    round_trips = list(round_trips_s)
    count = len(round_trips) - 1
    if count < 1:
        return 0.0
    excess_s = 0.0
    smoothed_s = islice(accumulate(round_trips, smoothed_round_trip), count)
    for smoothed, taken_s in zip(smoothed_s, (in_round_s or round_trips)[1:], strict=True):
        counted_s = taken_s if taken_s < acceptable_round_trip_s else acceptable_round_trip_s
        beyond_s = counted_s - smoothed - slack_s
        if beyond_s > 0:
            excess_s += beyond_s
    return min(1.0, excess_s / count / interval_s)


def allowed_misses(n: int, share: float) -> int:
    """Return the smallest k with P(Binomial(n, share) > k) < 0.001: a perfect server has no more misses.

    Raise ValueError if `share` is not a probability.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share is between 0 and 1, not {share}")
    if n <= 0 or share == 0:
        return 0
    if share == 1:
        return n
    log_odds = math.log(share) - math.log1p(-share)
    log_probability = n * math.log1p(-share)
    at_most_k = math.exp(log_probability)
    k = 0
    while 1 - at_most_k >= FALSE_ALARM and k < n:
        log_probability += math.log((n - k) / (k + 1)) + log_odds
        at_most_k += math.exp(log_probability)
        k += 1
    return k


def exact_percentile(values: Sequence[float], q: float) -> float:
    """Return the nearest-rank percentile: the smallest value that `q` per cent of the values do not exceed.

    Raise ValueError for no values, or a `q` outside 0 to 100.
    """
    if not values:
        raise ValueError("no percentile of no values")
    if not 0 <= q <= 100:
        raise ValueError(f"a percentile is between 0 and 100, not {q}")
    return _nearest_rank(sorted(values), q)


def quantile_interval(ordered: Sequence[float], q: float) -> tuple[float, float, float]:
    """Return the nearest-rank percentile of sorted values between the ends of its 99.9 % interval.

    The ends are order statistics, so nothing is assumed of the distribution: the number of values below the
    true percentile is binomial, and CONFIDENT standard deviations of it are taken on each side (David and
    Nagaraja, Order Statistics, section 7.1). Raise ValueError as `exact_percentile` does.
    """
    value = exact_percentile(ordered, q)
    share = q / 100
    spread = CONFIDENT * math.sqrt(len(ordered) * share * (1 - share))
    low = math.floor(len(ordered) * share - spread)
    high = math.ceil(len(ordered) * share + spread)
    return ordered[max(low, 1) - 1], value, ordered[min(high, len(ordered) - 1)]


def _nearest_rank(ordered: Sequence[float], q: float) -> float:
    rank = math.ceil(q * len(ordered) / 100)
    return ordered[max(rank, 1) - 1]


def summary(values: Sequence[float]) -> dict[str, float | int | None]:
    """Return n and the exact p50, p95, p99 and max, rounded to 6 digits; None if there is no finite value."""
    ordered = sorted(values)
    result: dict[str, float | int | None] = {"n": len(ordered)}
    for name, q in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)):
        value = _nearest_rank(ordered, q) if ordered else math.inf
        result[name] = None if math.isinf(value) else round(value, 6)
    return result
