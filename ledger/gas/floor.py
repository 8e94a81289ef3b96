"""The arithmetic floor: the gas that an act's calldata, slots, logs and signatures cost, and not one step more.

    >>> rules = Rules(reads=1, created=1, logs=(Log(topics=3, data=96),))
    >>> floor(bytes(4) + bytes(32), rules).total
    48512

A floor is what no contract with the same calldata, the same rules and the same events can go under: execution (hashing,
comparing, memory, jumps) counts nothing in it. Slots that the rules demand to be read are part of it.

The prices are those in force from Shanghai on (Cancun and Prague changed none of them but the calldata minimum):

- 21,000 a transaction; 4 a zero byte and 16 another byte of calldata (EIP-2028);
- 2,100 the first touch of a slot in a transaction, 2,600 of another contract, 100 afterwards (EIP-2929);
- 20,000 to fill an empty slot, 2,900 to change a filled one, on top of the first touch (EIP-2200, EIP-2929);
- 4,800 back for emptying a slot, at most a fifth of what was spent (EIP-3529);
- 375 a log, 375 a topic, 8 a byte of data (yellow paper, appendix G);
- 3,000 for ecrecover, a precompile and so always warm (yellow paper, appendix E; EIP-2929);
- in all at least 21,000 + 10 a token, a token being a zero byte or a quarter of another byte (EIP-7623, Prague);
- a creation: 32,000 more (EIP-2), 2 a word of init code (EIP-3860), 200 a byte of code left (yellow paper).
"""

from dataclasses import dataclass

TRANSACTION = 21_000
"""Every transaction (yellow paper, Gtransaction)."""
ZERO_BYTE = 4
"""A zero byte of calldata (Gtxdatazero)."""
OTHER_BYTE = 16
"""Any other byte of calldata (EIP-2028)."""
TOKEN = 10
"""The least a token of calldata may cost in all (EIP-7623)."""
COLD_SLOT = 2_100
"""The first touch of a storage slot in a transaction (EIP-2929)."""
COLD_ACCOUNT = 2_600
"""The first touch of another contract in a transaction (EIP-2929)."""
FILL_SLOT = 20_000
"""A slot from zero to something, once it is warm (EIP-2200)."""
CHANGE_SLOT = 2_900
"""A slot from something to something else, once it is warm (EIP-2200 as amended by EIP-2929)."""
EMPTY_SLOT_REFUND = 4_800
"""Given back for a slot that becomes zero (EIP-3529)."""
REFUND_QUOTIENT = 5
"""At most this part of the gas spent is given back (EIP-3529)."""
LOG = 375
LOG_TOPIC = 375
LOG_BYTE = 8
ECRECOVER = 3_000
CREATION = 32_000
INIT_CODE_WORD = 2
"""EIP-3860."""
CODE_BYTE = 200
WORD = 32


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the machine sees it."""

    topics: int
    """The event's own topic and its indexed parameters."""
    data: int
    """Bytes that are not indexed."""

    @property
    def gas(self) -> int:
        return LOG + LOG_TOPIC * self.topics + LOG_BYTE * self.data


@dataclass(frozen=True, slots=True)
class Rules:
    """What an act has to touch: each slot is counted once, under the most that happens to it."""

    reads: int = 0
    """Slots that are only read: the caller's role, the consent that lets her write."""
    created: int = 0
    """Slots that go from zero to something."""
    changed: int = 0
    """Slots that go from something to something else."""
    emptied: int = 0
    """Slots that go from something to zero."""
    logs: tuple[Log, ...] = ()
    signatures: int = 0
    """Signatures that the contract recovers."""
    code: int = 0
    """Bytes of code that a creation leaves behind; 0: the act is a call."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor of one act, by what it is paid for."""

    intrinsic: int
    """The transaction itself (and, of a creation, the account and its code)."""
    calldata: int
    storage: int
    """Cold reads and writes, before refunds."""
    logs: int
    signatures: int
    refund: int
    minimum: int
    """What EIP-7623 asks for however little else there is to pay."""

    @property
    def total(self) -> int:
        spent = self.intrinsic + self.calldata + self.storage + self.logs + self.signatures - self.refund
        return max(spent, self.minimum)


def calldata_gas(data: bytes) -> int:
    """What the bytes cost (EIP-2028)."""
    zeros = data.count(0)
    return ZERO_BYTE * zeros + OTHER_BYTE * (len(data) - zeros)


def calldata_minimum(data: bytes) -> int:
    """What a transaction with these bytes costs at least (EIP-7623)."""
    zeros = data.count(0)
    return TRANSACTION + TOKEN * (zeros + 4 * (len(data) - zeros))


def floor(data: bytes, rules: Rules) -> Floor:
    """The floor of an act with this calldata (of a creation: this init code) under these rules."""
    intrinsic = TRANSACTION
    minimum = calldata_minimum(data)
    if rules.code:
        words = (len(data) + WORD - 1) // WORD
        intrinsic += CREATION + INIT_CODE_WORD * words + CODE_BYTE * rules.code
    slots = rules.reads + rules.created + rules.changed + rules.emptied
    storage = COLD_SLOT * slots + FILL_SLOT * rules.created + CHANGE_SLOT * (rules.changed + rules.emptied)
    calldata = calldata_gas(data)
    logs = sum(log.gas for log in rules.logs)
    signatures = ECRECOVER * rules.signatures
    spent = intrinsic + calldata + storage + logs + signatures
    refund = min(EMPTY_SLOT_REFUND * rules.emptied, spent // REFUND_QUOTIENT)
    return Floor(intrinsic, calldata, storage, logs, signatures, refund, minimum)
