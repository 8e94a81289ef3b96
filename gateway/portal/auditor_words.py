"""What going through the access log finds wrong with it, in the reader's language.

>>> findings(load()["es"], audit)
'El registro de accesos no es el que era: la línea 7 no está.'
"""

from gateway.portal.filled import Shapes
from gateway.portal.language import Language, mark
from gateway.verify.audit import Audit

FAULTS = (
    mark("line {line} is gone"),
    mark("lines {first} to {last} are gone"),
    mark("line {line} comes after line {other}"),
    mark("line {line} cannot be read ({reason})"),
    mark("line {line} numbers itself {number}"),
    mark("line {line} is dated before the line above it"),
    mark("line {line} is filed under another {column} than its own"),
    mark("the ledger has a checkpoint of {size} lines, and there are {count}: lines are gone"),
    mark("the ledger has a checkpoint of {size} lines, the access log only {count}"),
    mark("the first {size} lines are not those that were anchored"),
    mark("the first {size} lines of the access log are not those that were anchored"),
    mark("of the first {size} lines of the access log some are gone"),
    mark("the checkpoint of {size} lines on the ledger is not one that was signed here"),
    mark("the log's tree has {count} nodes at level {level} over {below} below"),
    mark("node {node} at level {level} of the log's tree does not follow from those below"),
    mark("line {line}: it is dated after the ledger took in the checkpoint that counts it, {when}"),
    mark("line {line}: it is back-dated: the ledger had a checkpoint without it on {when}"),
)
"""Each as `gateway.verify.audit`, `gateway.log.audit` and `gateway.log.checkpoints` say it; the first that fits counts.
"""
_SHAPES = Shapes(FAULTS)


def finding(language: Language, fault: str) -> str:
    """One fault."""
    return _SHAPES.said(language, fault)


def findings(language: Language, audit: Audit) -> str:
    """All that are told one by one, and how many more there are."""
    said = [finding(language, fault) for fault in audit.faults]
    more = audit.number_of_faults - len(said)
    if more:
        said.append(language.say("{count} more", count=more))
    return language.say("The access log is not what it was: {faults}.", faults=language.listed(said))
