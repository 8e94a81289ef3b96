"""The words of the ledger's tables in the reader's language: headings, titles and notes. Files keep the tables' own.

>>> table_words(ENGLISH, "EUR at 20 gwei")
'EUR at 20 gwei'
"""

import re
from collections.abc import Mapping

from gateway.portal.language import Language, mark

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
)
"""Words that the ledger's tables have with figures in them."""


def _matching(sentence: str) -> re.Pattern[str]:
    """What a sentence looks like with its braces filled in."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(sentence)))


_SHAPES: Mapping[str, re.Pattern[str]] = {sentence: _matching(sentence) for sentence in FILLED}


def table_words(language: Language, text: str) -> str:
    """A heading, title or note of a table; as it is where no catalogue has it, such as what a file's own cells say."""
    for sentence, shape in _SHAPES.items():
        found = shape.fullmatch(text)
        if found:
            return language.say(sentence, **found.groupdict())
    return language.catalogue.get(text, text)
