"""The one-off steps of a start, in one process to save time: migrate, compress static files, sample data.

Runs the same commands as `flask migrate`, `flask assets` and `flask seed`. What `flask sign-ins` prints
goes into the file named on the command line, for run.py to show once the pages answer.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flask.cli import ScriptInfo

from app import create_app


def main(sign_ins: Path) -> None:
    """Run the commands, those that exist, one after the other; the first failure ends it."""
    app = create_app()
    script = ScriptInfo(create_app=lambda: app)

    def command(name: str, **options: str) -> str:
        if name not in app.cli.commands:
            return ""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            known = {option for parameter in app.cli.commands[name].params for option in parameter.opts}
            args = [word for option, value in options.items() if option in known for word in (option, value)]
            app.cli.main(args=[name, *args], prog_name="flask", obj=script, standalone_mode=False)
        return printed.getvalue()

    for line in (command("migrate") + command("assets")).splitlines():
        print(line)
    host = os.environ.get("HOST", "127.0.0.1")
    shown = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1", "::1") else host
    address = {"--base-url": f"http://{shown}:{os.environ.get('PORT', '8000')}"}
    seeded = command("seed", **address)
    sign_ins.write_text((command("sign-ins", **address) or seeded) + command("demo-operator", **address))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
