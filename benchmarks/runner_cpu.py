"""CPU per model call and memory of the runner, for six-call e-mail episodes against a local server.

Run from a checkout: ``python benchmarks/runner_cpu.py`` (some minutes), or with ``--quick``. Each configuration runs in
a process of its own, with the server in another; figures are of the runner's process alone, start-up excluded.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

CALLS = 6
PROVIDERS = {
    "compat": "compat/local",
    "openai": "openai/gpt-4.1",
    "anthropic": "anthropic/claude-x",
    "google": "google/x",
}


def serve_forever(latency: float, pipe: Connection) -> None:
    """Serve six-turn episodes in a process of its own; sends its environment, ends when the pipe closes."""
    from wire.servers import Answer, Call, serve

    mail = {"to": ["tom.oake@biscuit.example"], "subject": "Note", "body": "The stove is slow, please have a look."}
    turns = [Answer(calls=(Call("list_emails", {}),))]
    turns += [Answer(calls=(Call("read_email", {"email_id": f"m{i}"}),)) for i in (1, 2, 3)]
    turns += [Answer(calls=(Call("send_email", mail),)), Answer("All mail is answered.")]

    async def main() -> None:
        async with serve(lambda request: turns[min(request.turn, CALLS) - 1], latency, keep_log=False) as server:
            pipe.send(server.environment())
            await asyncio.to_thread(pipe.recv)

    asyncio.run(main())


async def measure(model: str, episodes: int, connections: int, ledger: Path) -> dict[str, float]:
    """Run a plan and measure this process."""
    from runner.running import Silent, planned

    from testbed.models.retry import RetryPolicy
    from testbed.runner.run import Runner, Settings
    from testbed.scoring import build_scorers
    from testbed.store import Ledger, RunRecord

    items, programs = planned([model], epochs=episodes)
    settings = Settings("bench", connections, RetryPolicy(timeout=60))
    with Ledger.open(ledger, create=True) as opened:
        opened.put_run(RunRecord(id="bench", created_at="2026-01-01T00:00:00+00:00"))
        scorers = build_scorers()
        runner = Runner(opened, programs, scorers, settings, Silent())
        await runner.run(items[:8])  # imports, connections and caches are start-up
        cpu, wall = time.process_time(), time.perf_counter()
        summary = await runner.run(items)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert summary.finished == episodes - 8, summary
    return {
        "cpu_ms_per_call": cpu * 1000 / summary.usage.calls,
        "calls_per_s": summary.usage.calls / wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "ledger_kb_per_episode": ledger.stat().st_size / 1024 / episodes,
    }


def child(arguments: argparse.Namespace) -> None:
    """Measure one configuration; prints JSON."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve_forever, args=(arguments.latency, theirs), daemon=True
    )
    process.start()
    os.environ.update(ours.recv())
    with tempfile.TemporaryDirectory() as folder:
        model = PROVIDERS[arguments.provider]
        figures = asyncio.run(measure(model, arguments.episodes, arguments.connections, Path(folder) / "l.db"))
    ours.send(None)
    process.join()
    print(json.dumps(figures))


def main() -> None:
    """Run every configuration and print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one small configuration for each provider")
    parser.add_argument("--child", action="store_true")
    parser.add_argument("--provider", default="compat")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
        return
    grid = [(p, 0.0, 200, 64) for p in PROVIDERS]
    if not arguments.quick:
        grid = [("compat", lat, n, c) for lat in (0.0, 0.2) for n in (500, 2000) for c in (64, 256)]
        grid += [(p, 0.0, 500, 64) for p in PROVIDERS if p != "compat"]
    print("| provider | latency ms | episodes | connections | CPU ms/call | calls/s | peak MB | ledger kB/episode |")
    print("|---|---|---|---|---|---|---|---|")
    for provider, latency, episodes, connections in grid:
        options = [f"--provider={provider}", f"--latency={latency}", f"--episodes={episodes}"]
        command = [sys.executable, __file__, "--child", *options, f"--connections={connections}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        f = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {provider} | {latency * 1000:.0f} | {episodes} | {connections} | {f['cpu_ms_per_call']:.2f} | "
            f"{f['calls_per_s']:.0f} | {f['peak_mb']:.0f} | {f['ledger_kb_per_episode']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
