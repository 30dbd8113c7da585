"""Commands that are imported when they are called, so that `roster --help` does not wait for the whole directory."""

import importlib
from typing import Any

from typer import main
from typer.core import TyperCommand


class Late(TyperCommand):
    """Stands in the list of commands for `app` in a module of this package."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name, help=summary, add_help_option=False)
        self._module = module

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the real command, which does everything from here on."""
        app = importlib.import_module(f"{__package__}.{self._module}").app
        return main.get_command(app).make_context(info_name, args, parent, **extra)
