"""Runs plans in-process against a ledger in a temporary folder, and the command as a user would."""

import asyncio
import os
import sys
from pathlib import Path

from agent.playing import mock_case

from testbed import content
from testbed.agent import load_program
from testbed.models.providers import parse_model
from testbed.models.retry import RetryPolicy
from testbed.plan import Planned, plan
from testbed.runner.progress import Lines
from testbed.runner.run import Runner, Settings, Summary
from testbed.scoring import build_scorers
from testbed.store import Ledger, RunRecord
from testbed.types import Limits


class Silent(Lines):
    """A reporter that keeps what it is told."""

    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


def planned(models, epochs=1, agent="react", cases=None, seed=0) -> tuple[list[Planned], dict]:
    """Plan the mock pack for some models."""
    program = load_program(content.find_agent(agent))
    specs = [parse_model(model) for model in models]
    items = plan(cases or [mock_case()], [program.ref], specs, limits=Limits(), seed=seed, epochs=epochs)
    return items, {program.ref.hash: program}


async def run_plan(
    ledger_file: Path, models, *, run_id="r1", policy=None, connections=8, scorers=None, reporter=None, **options
) -> Summary:
    """Run a plan with the heuristic, and close the ledger again."""
    items, programs = planned(models, **options)
    retries = policy or RetryPolicy(attempts=6, base_delay=0.01, timeout=20)
    settings = Settings(run_id=run_id, connections=connections, retries=retries)
    if scorers is None:
        scorers = build_scorers(connections=connections, retries=retries)
    with Ledger.open(ledger_file, create=True) as ledger:
        ledger.put_run(RunRecord(id=run_id, created_at="2026-01-01T00:00:00+00:00"))
        return await Runner(ledger, programs, scorers, settings, reporter or Silent()).run(items)


async def start(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    """Start the command in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "testbed",
        *arguments,
        cwd=cwd,
        env=clean | {"NO_COLOR": "1"} | (env or {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """Wait for its end: exit code, stdout, stderr."""
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def command(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run the command to its end."""
    return await finish(await start(*arguments, cwd=cwd, env=env))
