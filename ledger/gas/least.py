"""The least that the rules of an act take: what every contract that keeps them executes, whoever wrote it.

    >>> least("anchor")
    662

The floor counts slots, events, calldata and signatures. This counts, rule by rule, the fewest instructions in which a
stack machine can ask what has to be asked and make what has to be made, with the same ABI, words, ids, places of slots
and events. Where there are two ways it takes the cheaper: all that must hold is joined and jumped on once, as if no
error had to say which rule was broken; a value that is asked for again is still on the stack (a DUP: fetching it anew
is dearer). It looks away from what depends on how code is laid out: telling the functions of a contract apart, going
into shared code and back, bringing values to the top of the stack. So floor and least together are a bound from below
and no aim: where a ceiling is under it, no contract meets that ceiling; where it is not, the rest is what the language
takes.

Prices: yellow paper, appendix G (Gbase 2, Gverylow 3, Glow 5, Ghigh 10, Gjumpdest 1, Gkeccak256 30 and 6 a word).
"""

from dataclasses import dataclass

PRICES = (
    dict.fromkeys(("CALLER", "CALLVALUE", "CALLDATASIZE", "TIMESTAMP", "CHAINID", "GAS", "PUSH0"), 2)
    | dict.fromkeys(("PUSH", "DUP", "ADD", "SUB", "LT", "EQ", "AND", "OR", "XOR", "NOT", "SHL", "SHR"), 3)
    | dict.fromkeys(("CALLDATALOAD", "MLOAD", "MSTORE"), 3)
    | {"MUL": 5, "DIV": 5, "JUMPI": 10, "JUMPDEST": 1}
    | {f"KECCAK256/{words}": 30 + 6 * words for words in (1, 2, 3, 6, 10)}
    # The account of a precompile is warm (EIP-2929); what it does itself is in the floor.
    | {"STATICCALL": 100}
)
"""Gas of an instruction; KECCAK256/n hashes n words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must be asked or made, and the instructions that take part in it."""

    name: str
    code: str
    """Instructions in order, their operands before them; what is not fetched here is on the stack from before."""

    @property
    def gas(self) -> int:
        return sum(PRICES[instruction] for instruction in self.code.split())


_FOUND = Rule(
    "one number of a function compared, ether and short calldata refused",
    "PUSH0 CALLDATALOAD PUSH SHR PUSH EQ PUSH JUMPI JUMPDEST CALLVALUE PUSH CALLDATASIZE LT OR",
)
_HASH = "PUSH PUSH0 KECCAK256/2"
"""Two words that lie in memory."""


def _taken(words: int) -> Rule:
    return Rule(f"{words} words of calldata", "PUSH CALLDATALOAD " * words)


def _again(values: int) -> Rule:
    return Rule(f"{values} values asked for again", "DUP " * values)


_HELD = Rule("all of it holds", "PUSH JUMPI")
_CALLER = Rule("the place of the caller's word", f"CALLER PUSH0 MSTORE {_HASH}")
_ROLE = Rule("she has the role and is not suspended", "PUSH AND PUSH LT OR")
_ORGANIZATION = Rule("she is the organization that she acts for", "PUSH AND CALLER EQ PUSH JUMPI")
_CONSENT = (
    Rule("the place of the patient's consents", f"PUSH0 MSTORE {_HASH} PUSH ADD"),
    Rule("which consent, and whose", "PUSH SHR PUSH AND CALLER OR PUSH AND PUSH JUMPI"),
    Rule("the place of the consent", f"PUSH0 MSTORE PUSH MSTORE {_HASH}"),
    Rule(
        "it has the categories and the leave, is neither withdrawn nor denied",
        "PUSH SHR PUSH AND PUSH OR PUSH OR AND XOR OR",
    ),
    Rule(
        "it has begun and not ended",
        "PUSH SHR PUSH AND TIMESTAMP LT OR PUSH SHR PUSH AND TIMESTAMP LT OR",
    ),
    Rule("she is not denied through another word", "CALLER EQ PUSH JUMPI"),
)
_LIVE_PATIENT = Rule("she is a patient and not suspended", "PUSH AND PUSH XOR OR")
_PLACE = f"PUSH0 MSTORE PUSH PUSH MSTORE {_HASH}"
_ID = Rule("the id", "CALLER PUSH0 MSTORE PUSH AND PUSH MSTORE PUSH MSTORE PUSH PUSH0 KECCAK256/3")
_NEW = Rule("nothing is there yet", "OR")

_GRANT = (
    Rule("the place of the patient's word", f"PUSH0 MSTORE {_HASH}"),
    _LIVE_PATIENT,
    Rule("the grantee is somebody else, and somebody", "EQ LT OR"),
    Rule("the terms name categories and purposes and nothing else", "PUSH AND PUSH AND MUL PUSH AND LT OR"),
    Rule("the period is not empty", "LT OR TIMESTAMP LT OR"),
    Rule("a number or a digest", "PUSH LT PUSH JUMPI PUSH SHL OR"),
    Rule("the place of the consent", f"PUSH ADD PUSH MSTORE PUSH0 MSTORE {_HASH}"),
    Rule("the scope is unused", "PUSH AND OR"),
    Rule("the new word", "OR"),
    Rule("the event", "PUSH0 MSTORE PUSH MSTORE PUSH MSTORE PUSH PUSH PUSH0"),
)
_PERIOD = Rule("first and last second of the terms", "PUSH SHR PUSH AND PUSH SHR PUSH AND")
_CHAIN = Rule("the chain is the one of the domain", "CHAINID PUSH XOR OR")
_SIGNATURE = (
    Rule("signed for this ledger", "PUSH PUSH MSTORE PUSH PUSH MSTORE PUSH MSTORE PUSH PUSH KECCAK256/3"),
    Rule("the deadline", "TIMESTAMP LT OR"),
    Rule("one form of the signature only", "PUSH AND PUSH LT OR PUSH SHR PUSH ADD"),
    Rule("who signed", "PUSH MSTORE " * 4 + "PUSH PUSH PUSH PUSH PUSH GAS STATICCALL PUSH0 MLOAD"),
)
_SIGNED_GRANT = (
    Rule("the grantee fits its type", "PUSH SHR OR"),
    Rule("the deadline, and the terms without it", "PUSH SHR PUSH AND"),
    _PERIOD,
    Rule("her other terms, one by one", "PUSH AND PUSH SHR PUSH AND PUSH SHR PUSH AND"),
    Rule("ten words hashed as her wallet showed them", "PUSH " + "PUSH MSTORE " * 10 + "PUSH PUSH KECCAK256/10"),
    *_SIGNATURE,
    Rule("it was somebody", "LT OR"),
)

_OPENED = (
    Rule("the prescriber fits the type", "PUSH SHR OR"),
    Rule("what the terms are hidden in", f"PUSH0 MSTORE PUSH MSTORE {_HASH}"),
    _ID,
    Rule("the place of the prescription", _PLACE),
    Rule("it is as it was issued", "PUSH XOR PUSH JUMPI"),
)
_CLAIM = (
    Rule("fills, units a fill and units in all", "PUSH AND PUSH SHR PUSH AND PUSH SHR PUSH AND"),
    _PERIOD,
    Rule("at the first claim, the terms mean something", "PUSH SHR PUSH SUB PUSH LT LT LT OR OR OR OR"),
    Rule("not before, not after", "TIMESTAMP LT OR TIMESTAMP LT OR"),
    Rule("a unit, and no more than a fill", "PUSH AND PUSH SUB LT OR"),
    Rule("the rest is not owed", "PUSH AND PUSH JUMPI"),
    Rule("whether anything is left", "PUSH SUB SUB MUL PUSH JUMPI"),
    Rule("the tag that lets her undo", f"CALLER PUSH0 MSTORE PUSH MSTORE {_HASH}"),
    Rule("the new word", "PUSH OR PUSH SHL OR TIMESTAMP PUSH SHL OR PUSH SHL OR"),
    Rule("the event", "PUSH0 MSTORE PUSH MSTORE CALLER PUSH PUSH PUSH0"),
    Rule("its record follows later", "PUSH AND PUSH JUMPI"),
)

LEAST: dict[str, tuple[Rule, ...]] = {
    "anchor": (
        _FOUND,
        _taken(2),
        Rule("about herself or somebody else", "PUSH AND CALLER EQ PUSH JUMPI"),
        _CALLER,
        _ROLE,
        _ORGANIZATION,
        *_CONSENT,
        Rule("the record names a patient and a category", "MUL LT OR"),
        Rule("the place of the record", _PLACE),
        _NEW,
        Rule("what it commits to", f"PUSH AND PUSH0 MSTORE CALLER PUSH MSTORE {_HASH} PUSH AND"),
        Rule("time and state", "TIMESTAMP PUSH SHL OR PUSH OR"),
        Rule("the event", "PUSH AND CALLER OR PUSH0 MSTORE PUSH PUSH PUSH0"),
        _again(15),
        _HELD,
    ),
    "grant": (
        _FOUND,
        _taken(4),
        Rule("the grantee fits its type", "PUSH SHR OR"),
        _PERIOD,
        *_GRANT,
        _again(13),
        _HELD,
    ),
    "issue": (
        _FOUND,
        _taken(2),
        Rule("it names a category", "PUSH SHR PUSH AND LT OR"),
        _CALLER,
        _ROLE,
        _ORGANIZATION,
        *_CONSENT,
        _ID,
        Rule("the place of the prescription", _PLACE),
        _NEW,
        Rule("the new word", "PUSH"),
        Rule("the event: two words that lie there since the id was made", "PUSH PUSH PUSH"),
        _again(13),
        _HELD,
    ),
    "dispenseGranted": (
        _FOUND,
        _taken(6),
        *_OPENED,
        _CALLER,
        _ROLE,
        _ORGANIZATION,
        *_CONSENT,
        Rule("the prescriber agrees", "PUSH AND LT OR"),
        *_CLAIM,
        _again(28),
        _HELD,
    ),
    "dispensePresented": (
        _FOUND,
        _taken(12),
        *_OPENED,
        _CALLER,
        _ROLE,
        _ORGANIZATION,
        Rule("the place of the patient's consents", f"PUSH0 MSTORE {_HASH} PUSH ADD"),
        Rule("she is not denied", f"CALLER PUSH0 MSTORE PUSH MSTORE {_HASH} PUSH AND OR"),
        Rule("six words hashed as the fill key signed them", "PUSH " + "PUSH MSTORE " * 6 + "PUSH PUSH KECCAK256/6"),
        _CHAIN,
        *_SIGNATURE,
        Rule("the key of this fill", f"PUSH0 MSTORE PUSH MSTORE {_HASH} PUSH0 MSTORE PUSH PUSH0 KECCAK256/1"),
        Rule("it is hidden in the opening, with the body", f"PUSH0 MSTORE PUSH MSTORE {_HASH} XOR OR"),
        *_CLAIM,
        _again(30),
        _HELD,
    ),
    "grantSigned": (_FOUND, _taken(6), _CHAIN, *_SIGNED_GRANT, *_GRANT, _again(21), _HELD),
    "grantManySigned": (
        *(Rule(f"ten times: {one.name}", f"{one.code} " * 10) for one in (*_SIGNED_GRANT, *_GRANT)),
        _FOUND,
        _CHAIN,
        Rule("ten times: six words behind a moving place", "PUSH ADD CALLDATALOAD " * 60),
        Rule("ten times: the next", "PUSH ADD LT PUSH JUMPI JUMPDEST " * 10),
        _again(280),
        _HELD,
    ),
}
"""By operation of the catalogue: what its rules take, the act as it is measured there."""


def least(name: str) -> int:
    """Gas that the rules of the operation take beyond its floor, in any contract."""
    return sum(rule.gas for rule in LEAST[name])
