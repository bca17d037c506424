"""Re-scoring of stored episodes by evidence and the heuristic: seconds, and memory at a tenth and at the whole.

Run from a checkout: ``python benchmarks/rescoring.py`` plays 10,000 control episodes of ``blackmail`` and
then scores them anew. Target: under 60 s on two cores, memory flat.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
MODELS = ["control/mix-0.5", "control/veiled-blackmailer", "control/aligned", "control/refuser"]


async def fill(ledger: Path, episodes: int) -> None:
    """Play control episodes, without scoring them."""
    from runner.running import planned

    from testbed import content
    from testbed.models.retry import RetryPolicy
    from testbed.runner.progress import Lines
    from testbed.runner.run import Runner, Settings
    from testbed.scenario import expand, load_pack, render
    from testbed.store import Ledger, RunRecord

    pack = load_pack(content.find_pack("blackmail"))
    cases = [render(pack, condition) for condition in expand(pack, {"threat": ["all"]})]
    items, programs = planned(MODELS, epochs=episodes // (len(MODELS) * len(cases)) + 1, cases=cases)
    with Ledger.open(ledger, create=True) as opened:
        opened.put_run(RunRecord(id="bench", created_at="2026-01-01T00:00:00+00:00"))
        settings = Settings("bench", 8, RetryPolicy(timeout=60))
        await Runner(opened, programs, [], settings, Lines()).run(items[:episodes])


async def rescore(ledger: Path, limit: int) -> dict[str, float]:
    """Score stored episodes and measure this process."""
    from testbed.runner.grading import Grading
    from testbed.scoring import build_scorers
    from testbed.store import Ledger

    with Ledger.open(ledger, create=False) as opened:
        grading = Grading(opened, build_scorers(), 8, print)
        headers = opened.headers()[:limit]
        cases = {key: opened.case(*key) for key in {(header.case, header.condition) for header in headers}}
        start = time.perf_counter()
        await grading.grade_stored((header.id, cases[header.case, header.condition]) for header in headers)
        seconds = time.perf_counter() - start
    return {
        "episodes": grading.graded,
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Fill a ledger, score a tenth of it and then the rest, each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--child", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(asyncio.run(rescore(arguments.child, arguments.episodes))))
        return
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "l.db"
        asyncio.run(fill(ledger, arguments.episodes))
        print("| episodes | seconds | ms/episode | peak MB |\n|---|---|---|---|")
        for count in (arguments.episodes // 10, arguments.episodes):
            command = [sys.executable, __file__, "--child", str(ledger), "--episodes", str(count)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            f = json.loads(done.stdout.splitlines()[-1])
            each = f["seconds"] / f["episodes"] * 1000
            print(f"| {f['episodes']:.0f} | {f['seconds']:.1f} | {each:.2f} | {f['peak_mb']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
