"""The words of the ledger's tables in the reader's language: headings, titles, notes, and cells that are words. Files
keep the tables' own.

>>> table_words(ENGLISH, "EUR at 20 gwei")
'EUR at 20 gwei'
"""

from typing import Any

from gateway.portal.filled import Shapes
from gateway.portal.language import Language, mark
from ledger.gas.tables import Column, show

HEADINGS = (
    mark("Kind"),
    mark("What it is"),
    mark("How many"),
    mark("Least"),
    mark("Median"),
    mark("Most"),
    mark("Gas in all"),
    mark("Operation"),
    mark("Transactions"),
    mark("Workflow"),
    mark("What happens"),
    mark("Min"),
    mark("Max"),
    mark("First time"),
    mark("Each further"),
    mark("Records or consents"),
    mark("Gas for one"),
    mark("Of a block"),
    mark("Room a day"),
    mark("Step"),
    mark("Paid by"),
    mark("Gas"),
    mark("How often"),
    mark("Of the workflow"),
    mark("Of all"),
    mark("Against"),
    mark("Acts"),
    mark("First"),
    mark("Last"),
    mark("Slope (gas an act)"),
    mark("95 % from"),
    mark("to"),
    mark("Growth over all, at most"),
    mark("One act"),
    mark("Gas an act, of the sum"),
    mark("R2 of the sum"),
    mark("All acts"),
    mark("Records"),
    mark("Floor"),
    mark("Floor a record"),
    mark("Saved of a single anchor"),
    mark("Gas a record"),
    mark("What it does"),
    mark("Runs"),
    mark("Calldata bytes"),
    mark("Intrinsic + calldata"),
    mark("Storage"),
    mark("Logs"),
    mark("Execution"),
    mark("Ratio"),
    mark("Whose"),
    mark("Grown to"),
    mark("Times ours"),
    mark("What it does; what a peer does not do"),
    mark("What"),
    mark("Value"),
    mark("People"),
    mark("Blocks"),
    mark("Day of count"),
    mark("Taken"),
    mark("Line"),
    mark("Reason"),
    mark("Specialty"),
    mark("Hospital"),
    mark("Hospital group"),
    mark("Case type"),
    mark("Adult or child"),
    mark("Age group"),
    mark("Time on the list"),
    mark("File"),
    mark("Rows read"),
    mark("Rows that cannot be read"),
    mark("Blank lines"),
    mark("Sum of the file's totals"),
    mark("Sum of the counts by day"),
    mark("People projected"),
    mark("Each goes through"),
    mark("Gas a person"),
    mark("Blocks, were gas free"),
    mark("Hours that the network does nothing else"),
    mark("commit"),
    mark("compiler"),
    mark("optimizer"),
    mark("EVM version"),
    mark("node"),
    mark("hardfork"),
    mark("seed"),
    mark("runs"),
    mark("acts of each series"),
)
"""Of columns, of the rows of a summary, and of what a measurement was made with."""
TITLES = (
    mark("Operations"),
    mark("Who pays for what in each workflow"),
    mark("Growth: the gas of an act against how many came before"),
    mark("Batches: gas a record against batch size"),
    mark("Beside others"),
    mark("Cost by specialty"),
    mark("Cost by hospital"),
    mark("Cost by hospital group"),
    mark("Cost by case type"),
    mark("Cost by adult or child"),
    mark("Cost by age group"),
    mark("Cost by time on the list"),
    mark("Cost by month: the stock at each count"),
)
NOTES = (
    mark(
        "Gas of receipts. Parts and floor are the median run's; the floor is transaction, calldata, cold"
        " reads, writes, logs and signatures, no execution."
    ),
    mark("A read is a decision, asked by a call: it costs nothing."),
    mark(
        "Flat: zero lies in the slope's 95 % interval, or the worse end of it makes less than 0.1 % of the"
        " mean over all acts. Linear: the sum rises in a line with R2 above 0.999."
    ),
    mark("The totals are a stock: whoever waits on is in the next month's count again."),
    mark("The heading is line 1 where the file begins with it."),
)
FILLED = (
    mark("{currency} at {price} gwei"),
    mark("One record anchored by itself: {gas} gas."),
    mark("Money: an ether at {ether}. On a network with free gas: blocks of {gas} gas every {seconds} s."),
    mark(
        "Measured from receipts on {node} (hardfork {hardfork}), each project's own sources at the commit"
        " named or as published, optimizer on with {runs} runs; the steady state of a repeated call unless"
        " the note says otherwise. A range (gas to grown) is the first call and a later one of a contract"
        " whose calls become dearer."
    ),
    mark("{count} (the same)"),
    mark("{count} (listed by line below)"),
    mark("all {count} counts added up: whoever waits on is counted again each time"),
    mark("the mean of {count} counts, {first} to {last}"),
    mark("the count of {day}, one of {count}"),
    mark("the count of {day}"),
    mark("{text} is not a date, such as 2019-01-31 or 31/01/2019"),
    mark("{text} is not a whole number of people"),
    mark("{count} cells where the heading has {width}"),
    mark("{file} cannot be read: {reason}"),
    mark("{file} is a workbook or an archive: save the sheet as CSV"),
    mark("{file} is no waiting list: {reason}"),
    mark("two columns of the heading hold the {what}: leave one"),
    mark(
        "the heading has no column for the {what}: it needs an archive date, a specialty and a total, and has: {found}"
    ),
    mark("the file has no count of {month}: its counts are from {first} to {last}"),
)
"""What the ledger's tables say, and its failures, with figures in them."""
CELLS = (
    mark("all"),
    mark("(not stated)"),
    mark("yes"),
    mark("no"),
    mark("grows"),
    mark("not linear"),
    mark("no date"),
    mark("no total"),
    mark("date"),
    mark("total"),
    mark("specialty"),
    mark("hospital"),
    mark("nothing"),
    mark("a quotation mark is opened and not closed"),
    mark("the line has a NUL byte in it"),
    mark("the line is not text in the file's encoding"),
    mark("the file has no row that can be read"),
    mark("the file could not be projected"),
    mark("another contract's call"),
    mark("beginning"),
)
"""Words that cells and failures may have, beside those of what was measured."""
_SAID = ("Kind", "Paid by", "How often")
"""Headings of columns whose names are words, not the names of functions, workflows and projects."""
_NESTED = ("reason", "what")
"""Figures that are words themselves."""


_SHAPES = Shapes(FILLED, _NESTED)


def table_words(language: Language, text: str) -> str:
    """A heading, title, note or word of a table; as it is where no catalogue has it, such as what a file's own cells
    say."""
    return _SHAPES.said(language, text)


def cell_words(language: Language, value: Any, column: Column) -> str:
    """A cell for reading; names of functions, workflows and projects are the same in all languages."""
    text = show(value, column.kind)
    return table_words(language, text) if is_said(column) or text in CELLS else text


def is_said(column: Column) -> bool:
    """Whether a column's cells are words."""
    return column.kind == "text" or column.heading in _SAID
