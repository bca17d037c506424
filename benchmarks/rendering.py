"""Time to render the conditions of a battery, and a single case.

Run from a checkout: ``python benchmarks/rendering.py [BATTERY]`` (default: ``paper``; some seconds). A first rendering
compiles the pack's templates; later ones reuse them. Start-up of Python and imports are not counted.
"""

import statistics
import sys
import time
from collections.abc import Callable

from testbed import content
from testbed.runner.battery import cases, load_battery
from testbed.scenario import expand, load_pack, render

BATTERY_TARGET_MS = 2000.0
CASE_TARGET_MS = 20.0
REPEATS = 5


def milliseconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def line(what: str, figures: list[float], target: float | None) -> None:
    goal = f"< {target:.0f}" if target else ""
    print(f"| {what} | {statistics.median(figures):.1f} | {max(figures):.1f} | {goal} |", flush=True)


def main() -> int:
    """Print a Markdown table; the exit status is 1 if a median misses its target."""
    name = sys.argv[1] if len(sys.argv) > 1 else "paper"
    battery = load_battery(name)
    count = len(cases(battery))  # also reads the common files once
    print("| rendered | median ms | slowest ms | target ms |\n|---|---:|---:|---:|")
    # Packs are loaded and templates compiled anew each time, as when a battery is started.
    whole = [milliseconds(lambda: cases(battery)) for _ in range(REPEATS)]
    line(f"all {count} conditions of `{name}`, packs loaded anew", whole, BATTERY_TARGET_MS)
    slowest = 0.0
    for scenario in dict.fromkeys(entry.scenario for entry in battery.scenarios):
        folder = content.find_pack(scenario)
        line(
            f"`{scenario}`: load the pack", [milliseconds(lambda f=folder: load_pack(f)) for _ in range(REPEATS)], None
        )
        loaded = load_pack(folder)
        first = milliseconds(lambda s=loaded: render(s, s.default_condition()))
        line(f"`{scenario}`: first case, templates compiled", [first], None)
        conditions = [c for entry in battery.scenarios if entry.scenario == scenario for c in expand(loaded, entry.set)]
        for condition in conditions:
            render(loaded, condition)
        single = [milliseconds(lambda s=loaded, c=c: render(s, c)) for c in conditions for _ in range(REPEATS)]
        line(f"`{scenario}`: a single case", single, CASE_TARGET_MS)
        slowest = max(slowest, statistics.median(single))
    return int(statistics.median(whole) > BATTERY_TARGET_MS or slowest > CASE_TARGET_MS)


if __name__ == "__main__":
    sys.exit(main())
