"""Who can see a patient's records: consents that live, people kept out, questions to answer; what the pages gather.

>>> live_consents(view, limit=25).consents[0].sentence
'Until 3 March 2026, Dr Ada Quinn may read your laboratory results, to treat you.'
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eth_utils.address import is_address
from sqlalchemy import select

from gateway.api.paging import cursor_of, position_of
from gateway.consents import asking
from gateway.consents.deeds import delegates_behind
from gateway.consents.given import given_by
from gateway.consents.signed import SignedConsent
from gateway.database import reading
from gateway.errors import GatewayError
from gateway.identity.directory import names as name_table
from gateway.located import PROFESSIONAL
from gateway.portal import wording
from gateway.portal.language import mark
from gateway.portal.view import View
from ledger.codes import SENSITIVE, Category, Role, purposes_in
from ledger.index import IndexedConsent
from ledger.index_care import CareIndex, IndexedQuestion
from ledger.types import FOREVER, Address, ConsentTerms, address_of
from offchain_store.errors import StoreError

PAGE = 25
_SCANNED = 200
_MOST_SCANNED = 5_000
_GRANTEES = PROFESSIONAL | Role.TEAM | Role.ORGANIZATION


@dataclass(frozen=True, slots=True)
class Given:
    """A consent of hers, as it is shown."""

    id: str
    who: str
    sentence: str
    is_live: bool
    said: str
    """What became of it, where it has ended."""
    done_for: str
    """Who gave it, or withdrew it, for her, or collected what she signed; empty: nobody else."""


@dataclass(frozen=True, slots=True)
class GivenPage:
    consents: tuple[Given, ...]
    following: str | None


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person, team or organization whom she can let read, or keep out."""

    address: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to her."""

    id: str
    who: str
    sentence: str
    reason: str
    question: IndexedQuestion


def sentence(view: View, who: str, terms: ConsentTerms, *, single: bool = False, whom: str = "") -> str:
    """What a consent allows, in one sentence.

    Args:
        whom: the patient's name, where it is said to somebody who acts for her.
    """
    one, why = view.say("one record of yours"), wording.PURPOSES_TO_HER
    if whom:
        one, why = view.say("one record"), wording.PURPOSES
    said = {
        "until": view.language.day(terms.expiry),
        "who": who,
        "whom": whom,
        "what": one if single else wording.categories(view.language, terms.categories),
        "why": view.language.listed([view.say(why[purpose]) for purpose in purposes_in(terms.purposes)]),
    }
    if whom:
        forever, until = (_FOREVER_WRITE_FOR, _UNTIL_WRITE_FOR) if terms.may_write else (_FOREVER_FOR, _UNTIL_FOR)
    elif terms.may_write:
        forever, until = _FOREVER_WRITE, _UNTIL_WRITE
    else:
        forever, until = (_FOREVER_ONE, _UNTIL_ONE) if single else (_FOREVER, _UNTIL)
    return view.say(forever if terms.expiry >= FOREVER else until, **said)


_UNTIL = mark("Until {until}, {who} may read your {what}, {why}.")
_FOREVER = mark("For ever, until you withdraw it, {who} may read your {what}, {why}.")
_UNTIL_ONE = mark("Until {until}, {who} may read {what}, {why}.")
_FOREVER_ONE = mark("For ever, until you withdraw it, {who} may read {what}, {why}.")
_UNTIL_WRITE = mark("Until {until}, {who} may read and add to your {what}, {why}.")
_FOREVER_WRITE = mark("For ever, until you withdraw it, {who} may read and add to your {what}, {why}.")
_UNTIL_FOR = mark("For {whom}: until {until}, {who} may read {what}, {why}.")
_FOREVER_FOR = mark("For {whom}: for ever, until it is withdrawn, {who} may read {what}, {why}.")
_UNTIL_WRITE_FOR = mark("For {whom}: until {until}, {who} may read and add to {what}, {why}.")
_FOREVER_WRITE_FOR = mark("For {whom}: for ever, until it is withdrawn, {who} may read and add to {what}, {why}.")
_GIVEN_FOR_YOU = mark("given by {name} for you")
_WITHDRAWN_FOR_YOU = mark("withdrawn by {name} for you")
_GIVEN_BY_YOU = mark("given by you for {whom}")
_GIVEN_FOR = mark("given by {name} for {whom}")
_SIGNED_BY_YOU = mark("signed by you, collected by {name}")


def live_consents(view: View, *, limit: int = PAGE, before: str | None = None) -> GivenPage:
    """The consents that count now, newest first."""
    return _consents(view, view.address, lambda one: is_live(view, one), limit, before)


def live_consents_for(view: View, patient: Address, whom: str, within: Category, *, before: str | None) -> GivenPage:
    """Somebody else's, all of whose kinds are among those that were delegated."""

    def wanted(one: IndexedConsent) -> bool:
        return is_live(view, one) and not one.terms.categories & ~within

    return _consents(view, patient, wanted, PAGE, before, whom)


def ended_consents(view: View, *, limit: int = PAGE, before: str | None = None) -> GivenPage:
    """Those that do not count any more, newest first."""
    return _consents(view, view.address, lambda one: not is_live(view, one), limit, before)


def is_live(view: View, one: IndexedConsent) -> bool:
    """Whether a consent counts, or will from its first day on."""
    return not one.withdrawn and one.terms.expiry > view.now


def is_single(one: IndexedConsent) -> bool:
    """Whether it is about one record alone."""
    return not one.scope.startswith(bytes(30))


def denied(view: View) -> list[Somebody]:
    """Whom she keeps out."""
    return described(view, view.gateway.index.denials_of(view.address, 500))


def questions_to(view: View) -> list[Asked]:
    """What she is asked and has not answered."""
    found = CareIndex(view.gateway.ledger_database).open_questions_to(view.address, at=view.now, limit=20)
    return [asked(view, one) for one in found]


def asked(view: View, one: IndexedQuestion) -> Asked:
    """A question as it is shown to her."""
    who = view.names(one.question.asker)[one.question.asker]
    try:
        reason = asking.reason_of(view.gateway, view.identity, one.question)
    except (GatewayError, StoreError):
        reason = ""  # a lost reason does not hide the question
    return Asked(one.id.hex(), who, sentence(view, who, one.question.terms), reason, one)


def known_people(view: View, patient: Address | None = None, limit: int = 8) -> list[Somebody]:
    """Whom a patient, if no other the reader, has to do with: those who wrote about her, and those she let read, newest
    first."""
    gateway, whose = view.gateway, patient or view.address
    met = [one.author for one in gateway.index.records_about(whose, 50)]
    met += [one.grantee for one in given_by(gateway, whose, 50)]
    return described(view, [one for one in dict.fromkeys(met) if one not in (whose, view.address)])[:limit]


def find_people(view: View, words: str, limit: int = 20) -> list[Somebody]:
    """Professionals, teams and organizations whose name has all the words, and whoever has the address."""
    wanted = words.casefold().split()
    if not wanted:
        return []
    with reading(view.gateway.database) as connection:
        everybody = [address_of(one) for one in connection.execute(select(name_table.c.address)).scalars()]
    names = view.gateway.directory.names(everybody)
    matching = [one for one, name in names.items() if all(word in name.casefold() for word in wanted)]
    if is_address(words.strip()):
        matching.append(address_of(words.strip()))
    return described(view, [one for one in matching if one != view.address])[:limit]


def described(view: View, addresses: list[Address]) -> list[Somebody]:
    """Those of the addresses that can be let in or kept out, with what they are."""
    names = view.names(*addresses)
    found = []
    for address in addresses:
        participant = view.gateway.index.participant(address)
        if participant is None or not participant.roles & (_GRANTEES | Role.PATIENT):
            continue
        shown = participant.roles & ~(Role.PRESCRIBER | Role.CUSTODIAN)
        if participant.roles & Role.ORGANIZATION:
            shown = Role.ORGANIZATION
        what = wording.roles(view.language, shown)
        if participant.organization != address:
            at = view.names(participant.organization)[participant.organization]
            what = f"{what}, {at}"
        found.append(Somebody(address, names[address], what))
    return found


def ordinary_and_sensitive() -> tuple[list[Category], list[Category]]:
    """The kinds of records, those of her health first; what is sensitive by itself."""
    ordinary: list[Category] = [one for one in Category if not one & SENSITIVE and one is not Category.CONSENT_DOCUMENT]
    return ordinary, list(SENSITIVE)


def _consents(
    view: View,
    patient: Address,
    wanted: Callable[[IndexedConsent], bool],
    limit: int,
    before: str | None,
    whom: str = "",
) -> GivenPage:
    position = position_of(before or None)
    # Whoever acts for her can end only what was granted on the ledger.
    source = given_by if not whom else lambda gateway, *page: gateway.index.consents_of(*page)
    found: list[IndexedConsent] = []
    for _ in range(_MOST_SCANNED // _SCANNED):
        page = source(view.gateway, patient, _SCANNED, position)
        found += [one for one in page if wanted(one)]
        if len(found) > limit or len(page) < _SCANNED:
            break
        position = page[-1].position
    following = cursor_of(found[limit - 1].position) if len(found) > limit else None
    found = found[:limit]
    given, withdrawn = delegates_behind(view.gateway, [one.consent_id for one in found])
    collectors = {one.collector for one in found if isinstance(one, SignedConsent)}
    names = view.names(*{one.grantee for one in found}, *collectors, *given.values(), *withdrawn.values())
    shown = []
    for one in found:
        by = withdrawn.get(one.consent_id) or given.get(one.consent_id)
        was_withdrawn = one.consent_id in withdrawn
        done_for = _done_for(view, by, names[by], whom, was_withdrawn=was_withdrawn) if by else ""
        if isinstance(one, SignedConsent) and is_live(view, one):
            done_for = view.say(_SIGNED_BY_YOU, name=names[one.collector])
        shown.append(_given(view, one, names, whom, done_for))
    return GivenPage(tuple(shown), following)


def _done_for(view: View, by: Address, name: str, whom: str, *, was_withdrawn: bool) -> str:
    """Who acted for her, said to her or, with `whom`, to somebody who acts for her."""
    if not whom:
        return view.say(_WITHDRAWN_FOR_YOU if was_withdrawn else _GIVEN_FOR_YOU, name=name)
    return view.say(_GIVEN_BY_YOU if by == view.address else _GIVEN_FOR, name=name, whom=whom)


def _given(view: View, one: IndexedConsent, names: Mapping[Address, str], whom: str, done_for: str) -> Given:
    if one.withdrawn:
        said = view.say("withdrawn")
    elif one.terms.expiry <= view.now:
        said = view.say("ended")
    else:
        said = (
            ""
            if one.terms.not_before <= view.now
            else view.say("from {day}", day=view.language.day(one.terms.not_before))
        )
    who = names[one.grantee]
    text = sentence(view, who, one.terms, single=is_single(one), whom=whom)
    return Given(one.consent_id.hex(), who, text, is_live(view, one), said, done_for)
