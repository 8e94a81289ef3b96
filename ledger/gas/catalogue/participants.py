"""Operations on who takes part."""

from ledger.codes import Role
from ledger.gas.operation import Operation, Touches
from ledger.gas.stage import step

_NEW = step("register", "hospital", who="newcomer")

PARTICIPANTS = (
    Operation(
        "admit",
        "Admit an organization",
        Touches(reads=1, created=1, events=("OrganizationAdmitted",)),
        step("admit", "consortium", who="newcomer", roles=Role.LABORATORY),
    ),
    Operation(
        "register",
        "Register a participant",
        Touches(reads=1, created=1, events=("ParticipantRegistered",)),
        step("register", "hospital", who="newcomer"),
    ),
    Operation(
        "registerWithKeyCard",
        "Register a participant with her key card",
        Touches(reads=1, created=2, events=("ParticipantRegistered", "KeyCardPublished")),
        step("registerWithKeyCard", "hospital", who="newcomer"),
    ),
    Operation(
        "setRoles",
        "Change a participant's roles",
        Touches(reads=1, changed=1, events=("RolesChanged",)),
        step("setRoles", "hospital", who="newcomer", roles=Role.PRACTITIONER),
        (_NEW,),
    ),
    Operation(
        "setSuspension",
        "Suspend a participant",
        Touches(reads=1, changed=1, events=("ParticipantSuspended",)),
        step("setSuspension", "hospital", who="newcomer", suspended=True),
        (_NEW,),
    ),
    Operation(
        "publishKeyCard",
        "Publish a first key card",
        Touches(reads=1, created=1, events=("KeyCardPublished",)),
        step("publishKeyCard", "newcomer"),
        (_NEW,),
    ),
    Operation(
        "publishKeyCard/next",
        "Replace a key card",
        Touches(reads=1, changed=1, events=("KeyCardPublished",)),
        step("publishKeyCard", "newcomer"),
        (_NEW, step("publishKeyCard", "newcomer")),
    ),
    Operation(
        "setPreferences",
        "Set emergency and author preferences",
        Touches(changed=1, events=("PreferencesSet",)),
        step("setPreferences", "newcomer"),
        (_NEW,),
    ),
    Operation(
        "link",
        "Link a keyed identifier to a participant",
        Touches(reads=2, created=1, events=("IdentifierLinked",)),
        step("link", "hospital", who="newcomer"),
        (_NEW,),
    ),
    Operation(
        "openTeam",
        "Open a team",
        Touches(reads=1, created=1, events=("TeamOpened",)),
        step("openTeam", "hospital"),
    ),
    Operation(
        "setMembership",
        "Take a member into a team",
        Touches(reads=3, created=1, events=("TeamJoined",)),
        step("setMembership", "hospital", team="team", who="newcomer"),
        (_NEW,),
    ),
    Operation(
        "setMembership/leave",
        "Let a member leave a team",
        Touches(reads=3, emptied=1, events=("TeamLeft",)),
        step("setMembership", "hospital", team="team", who="newcomer", joined=False),
        (_NEW, step("setMembership", "hospital", team="team", who="newcomer")),
    ),
)
