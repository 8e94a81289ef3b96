"""How long an organization keeps what its people write."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from gateway.api.models import CATEGORY_NAMES, In, Name, Out
from gateway.erasure.retention import change_rule, start_over
from gateway.erasure.rules import Rule, remove_rule, rules_of
from gateway.errors import NotPermitted
from gateway.web.deps import Caller, CallerDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Category, Role

router = APIRouter(prefix="/v1", tags=["hers to take and to erase"], route_class=OnceRoute)

_DAY = 86_400
_CENTURY = 36_525


def _known(name: str) -> str:
    if name not in CATEGORY_NAMES:
        raise ValueError(f"one of: {', '.join(CATEGORY_NAMES)}")
    return name


CategoryName = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(CATEGORY_NAMES)})]


class RuleIn(In):
    keep_days: int = Field(
        ge=0, le=_CENTURY, strict=True, description="Before which it is not erased, even if she asks."
    )
    dispose_days: int | None = Field(
        default=None,
        ge=1,
        le=_CENTURY,
        strict=True,
        description="After which it is disposed of; null: never by itself.",
    )
    basis: Name = Field(description="Where that is written, one line; patients are shown it.")


class RuleOut(Out):
    category: str
    keep_days: int
    dispose_days: int | None
    basis: str


@router.get("/retention", summary="The caller's organization's rules")
def rules(caller: CallerDep, gateway: GatewayDep) -> list[RuleOut]:
    return [_shown(rule) for rule in rules_of(gateway, caller.participant.organization)]


@router.put("/retention/{category}", summary="Set a rule")
def put_rule(category: CategoryName, body: RuleIn, caller: CallerDep, gateway: GatewayDep) -> RuleOut:
    """By an organization: how long records of this category by its people are kept at least, and at most."""
    _require_organization(caller)
    dispose = None if body.dispose_days is None else body.dispose_days * _DAY
    rule = Rule(Category.parse(category), body.keep_days * _DAY, dispose, body.basis)
    change_rule(gateway, caller.address, rule)
    return _shown(rule)


@router.delete("/retention/{category}", summary="Remove a rule", status_code=204)
def delete_rule(category: CategoryName, caller: CallerDep, gateway: GatewayDep) -> None:
    """By an organization. Nothing is disposed of by it any more, and nothing is kept from being erased."""
    _require_organization(caller)
    remove_rule(gateway, caller.address, Category.parse(category))
    start_over(gateway)


def _require_organization(caller: Caller) -> None:
    if not caller.roles & Role.ORGANIZATION:
        raise NotPermitted("an organization sets its own rules")


def _shown(rule: Rule) -> RuleOut:
    dispose = None if rule.dispose is None else rule.dispose // _DAY
    return RuleOut(category=rule.category.label, keep_days=rule.keep // _DAY, dispose_days=dispose, basis=rule.basis)
