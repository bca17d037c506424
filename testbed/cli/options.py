"""Options that several commands share, and what they stand for."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from testbed.errors import TestbedError

LedgerOption = Annotated[
    Path | None,
    typer.Option("--ledger", help="The ledger (SQLite file). Default: $TESTBED_LEDGER, else ./testbed.db."),
]
PacksOption = Annotated[
    list[Path] | None, typer.Option("--scenarios", help="A folder with further scenario packs. Repeatable.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
JudgeViewOption = Annotated[
    Literal["actions", "actions+reasoning", "reasoning"],
    typer.Option(help="What the judges see of an episode; `reasoning` is a monitor's view: no action at all."),
]
PanelOption = Annotated[
    Literal["majority", "mean"],
    typer.Option(help="How several judges become one: by majority, or yes from a mean graded score of 5 on."),
]
ConnectionsOption = Annotated[int, typer.Option(min=1, help="Model calls under way at once, per provider.")]
TurnsOption = Annotated[int | None, typer.Option(min=1, help="Model calls in one episode.")]
TokensOption = Annotated[int | None, typer.Option(min=1, help="Input and output tokens of one episode.")]
TimeoutOption = Annotated[float, typer.Option(min=0.1, help="Seconds for one model call.")]
AttemptsOption = Annotated[int, typer.Option(min=1, help="Attempts for one model call, waiting longer each time.")]
BaseUrlOption = Annotated[str | None, typer.Option(help="Server of the compat/… models.")]
AllowCodeOption = Annotated[
    bool, typer.Option("--allow-code", help="Let packs run their own tools.py, with all your rights.")
]
TrustOption = Annotated[
    bool, typer.Option("--trust-remote-code", help="Let local/… models run code that comes with them.")
]
DtypeOption = Annotated[
    Literal["fp32", "bf16", "fp16"] | None,
    typer.Option(help="Number format of local/… models and judges. Default: fp32 on the CPU, bf16 on a GPU."),
]


def ledger_path(option: Path | None) -> Path:
    """Choose the ledger: the option, else the environment's or ``.env``'s, else ``./testbed.db``."""
    if option is not None:
        return option
    load_env()
    return Path(os.environ.get("TESTBED_LEDGER") or "testbed.db")


def load_env() -> None:
    """Take from ``./.env``, if there is one, what the environment does not say.

    Raises:
        TestbedError: It cannot be read.
    """
    from dotenv import load_dotenv

    try:
        load_dotenv(Path.cwd() / ".env", encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TestbedError("The file .env is not UTF-8 text: save it as UTF-8.") from None
    except ValueError:  # the operating system takes no NUL in a variable
        raise TestbedError("The file .env holds a setting that no environment variable can have.") from None
    except OSError as error:
        raise TestbedError(f"The file .env cannot be read: {error.strerror}.") from error


def split(values: list[str] | None) -> list[str]:
    """Flatten repeatable options whose values may be comma-separated lists."""
    return [part.strip() for value in values or [] for part in value.split(",") if part.strip()]
