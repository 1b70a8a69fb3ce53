"""gevent beside gthread, the same application: `python -m benchmarks.workers`.

The list of 100,000 leads, cached and made anew, for one client and for sixteen, and a record's page.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks import data, measuring
from benchmarks.floor import Pair
from benchmarks.measuring import Figures

KINDS = ("gevent", "gthread")


def main() -> None:
    with ExitStack() as stack:
        ports = [
            stack.enter_context(measuring.serving(data.HUNDRED, "real", 8730 + place, worker=kind))
            for place, kind in enumerate(KINDS)
        ]
        pairs = [Pair(data.HUNDRED, port, port) for port in ports]
        print(
            "| what | gevent p50 ms | p95 | per second | gthread p50 ms | p95 | per second |\n"
            "|---|---|---|---|---|---|---|"
        )
        for name, stale in (("list, cached", False), ("list, made anew", True)):
            makers = [_maker(pair, stale) for pair in pairs]
            _print(f"{name}, 1 client", measuring.together(makers, clients=1))
            _print(f"{name}, 16 clients", measuring.together(makers))


def _maker(pair: Pair, stale: bool) -> Callable[[], Callable[[], object]]:
    def make() -> Callable[[], object]:
        client = pair.page("t01")

        def ask() -> None:
            if stale:
                pair.stale("t01")
            client.get("/t/t01/leads/")

        return ask

    return make


def _print(what: str, figures: list[Figures]) -> None:
    cells = " | ".join(f"{each.p50:.1f} | {each.p95:.1f} | {each.rate:,.0f}" for each in figures)
    print(f"| {what} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
