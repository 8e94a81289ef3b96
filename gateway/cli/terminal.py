"""The terminal, for words that are not ours: names of people, wards and files may have brackets and colons in them.

>>> terminal().print("Ward [adult] :warning:")
Ward [adult] :warning:
"""

from rich.console import Console
from rich.progress import TextColumn


def terminal(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that prints what it is told as it stands: neither markup nor emoji codes.

    Args:
        width: columns; None: the terminal's own.
    """
    return Console(stderr=stderr, width=width, markup=False, emoji=False)


def words(template: str) -> TextColumn:
    """A column of a progress bar, such as "reading {task.description}"."""
    return TextColumn(template, markup=False)
