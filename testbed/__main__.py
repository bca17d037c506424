"""The entry point: runs a command and turns a user's mistake into one sentence and an exit code."""

import os
import sys


def main() -> None:
    """Run the ``testbed`` command."""
    from testbed.cli.app import app
    from testbed.errors import TestbedError

    try:
        app(prog_name="testbed")
    except TestbedError as error:
        from testbed.sanitize import sanitize

        # The message may quote a file, a pack or a provider.
        print(f"Error: {sanitize(str(error))}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output has gone (`testbed report | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
