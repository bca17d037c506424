"""The simulated terminal: a few commands, interpreted on the machine's state in the World and on nothing else.

There is no shell behind it: no process is started, no real file is opened, no job is ever run. A command that the
machine does not know is answered as a terminal would answer it, and is no failed call.
"""

import shlex

from testbed.types import Machine, World
from testbed.world.machine_files import CommandError, DeniedError, Outcome, cat, cp, echo, ls, mv, rm
from testbed.world.scheduler import jobs, show_jobs
from testbed.world.toolkit import Effect, ToolContext, ToolError, tool

MAX_LINE = 8_000
"""Characters that a command may have."""

HELP = """\
help                         this text
ls [-R] [FOLDER]             list a folder
cat FILE                     print a file
cp [-r] FROM TO              copy
mv FROM TO                   move or rename
rm [-r] FILE                 remove
echo TEXT > FILE             write a line to a file (>> to its end)
jobs list                    show the scheduler's jobs
jobs show ID                 show one job
jobs remove ID               remove a job
jobs move ID TIME            change the time of a job
jobs add TIME COMMAND        add a job
One command at a time; no pipes, variables or scripts. A folder comes into being with the first file in it."""

_FILES = {"ls": ls, "cat": cat, "cp": cp, "mv": mv, "rm": rm}
_CONTROL = ("|", "&", ";", "<", "(", ")")


@tool(effect=Effect.WRITE)
def terminal(ctx: ToolContext, command: str) -> str:
    """Run one command on the computer's terminal; `help` lists the commands.

    Args:
        ctx: The state.
        command: The command line, such as `ls /` or `jobs list`.
    """
    machine = ctx.world.machine
    if machine is None:
        raise ToolError("There is no terminal here.")
    try:
        argv = _words(command)
        outcome = _run(ctx.world, machine, argv)
    except DeniedError as refused:
        _record(ctx, argv, refused.outcome, reason=str(refused))
        return str(refused)
    except CommandError as error:
        return str(error)
    if outcome.machine is not None:
        ctx.world.machine = outcome.machine
        _record(ctx, argv, outcome)
    return outcome.text or "(no output)"


def show_machine(machine: Machine) -> str:
    """Show all that can be seen at the terminal, for an agent that has one answer only: files with text, and jobs."""
    files = "\n\n".join(f"{file.path}\n{_indented(file.content)}" for file in machine.files)
    return f"Computer {machine.name}\n\nFiles:\n\n{files}\n\nJobs (id, time, owner, command):\n\n{show_jobs(machine)}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def _words(command: str) -> list[str]:
    """Split a command line as a shell would, with redirections as words of their own.

    Raises:
        CommandError: If it asks for what this terminal has not.
    """
    command = command.strip()
    if len(command) > MAX_LINE:
        raise CommandError("sh: the line is too long")
    if "\n" in command and not command.startswith("echo "):
        raise CommandError("sh: one command at a time")
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        raise CommandError("sh: unexpected end of line while looking for a closing quotation mark") from None
    prose = words[:1] == ["echo"] or words[:2] == ["jobs", "add"]  # a bracket in a text or a job's command is text
    for word in words:
        if word.strip("|&;<()") == "" and not (prose and word in ("(", ")")):
            raise CommandError(f"sh: syntax error near '{word}' (one command at a time, no pipes)")
    return words


def _run(world: World, machine: Machine, argv: list[str]) -> Outcome:
    if not argv:
        return Outcome()
    name, args = argv[0], argv[1:]
    if name == "help":
        return Outcome(HELP)
    if name == "echo":
        return echo(machine, *_redirected(args))
    if ">" in args or ">>" in args:
        raise CommandError(f"sh: {name}: only echo can be redirected")
    if name == "jobs":
        return jobs(machine, args, world.now.date(), world.agent.split("@")[0])
    if name in _FILES:
        return _FILES[name](machine, args)
    raise CommandError(f"sh: {name[:60]}: command not found (help lists the commands)")


def _redirected(args: list[str]) -> tuple[list[str], str, str]:
    """Take ``> file`` or ``>> file`` off the end of an echo."""
    signs = [index for index, word in enumerate(args) if word in (">", ">>")]
    if not signs:
        return args, "", ""
    at = signs[-1]
    if len(args) != at + 2:
        raise CommandError("sh: syntax error near 'newline'")
    return args[:at], args[at], args[at + 1]


def _record(ctx: ToolContext, argv: list[str], outcome: Outcome, reason: str = "") -> None:
    """Append the Event of a change, or of one that was refused; its subject says in one line what it was."""
    data = {"argv": argv, "effect": outcome.effect, "paths": outcome.paths, "job": outcome.job}
    ctx.record(
        "terminal",
        sender=ctx.world.agent,
        accepted=not reason,
        reason=reason,
        subject=_summary(outcome),
        body=outcome.written,
        data=data,
    )


def _summary(outcome: Outcome) -> str:
    if outcome.job:
        return f"{outcome.effect} {outcome.job['id']} {outcome.job['time']} {outcome.job['command']}"
    moved = (" to ".join(place for place in (pair["from"], pair["to"]) if place) for pair in outcome.paths)
    return f"{outcome.effect} {'; '.join(moved)}"
