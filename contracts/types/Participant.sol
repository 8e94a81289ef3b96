// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ConsentEntry, ConsentKey} from "./Consent.sol";
import {SENSITIVE} from "./Category.sol";
import {CONSORTIUM, ORGANIZATION, PATIENT, PERSONAL_ROLES, TEAM} from "./Role.sol";

/// @notice All that the ledger knows of one participant, in one storage word.
/// @dev From high to low:
/// `barredAuthors` (uint16, categories whose authors may no longer read them) | `emergency` (uint16, categories that a
/// break-glass may open) | 6 spare bits | `overDenials` (1 bit: also to whom she denies) | `suspended` (1 bit) | `since`
/// (uint40, seconds) | `roles` (uint16) | `organization` (address).
/// Zero means: never registered.
type Participant is uint256;

/// @dev What hangs on one address: her word, and what she has let others do; one hash leads to both.
struct ParticipantEntry {
    Participant word;
    mapping(ConsentKey key => ConsentEntry) consents;
}

using {
    organization,
    roles,
    since,
    isPerson,
    isStaff,
    isLivePatient,
    isLiveIn,
    isSuspended,
    isOverDenials,
    emergency,
    barredAuthors,
    withRoles,
    withSuspended,
    withPreferences
} for Participant global;

uint256 constant SUSPENDED_BIT = 1 << 216;
uint256 constant OVER_DENIALS_BIT = 1 << 217;

/// @notice A participant registered now; until a patient says otherwise, an emergency may open what is not sensitive.
function newParticipant(address organization_, uint16 roles_) view returns (Participant) {
    uint256 emergency_ = uint16(~SENSITIVE);
    return
        Participant.wrap(
            uint160(organization_) | (uint256(roles_) << 160) | (block.timestamp << 176) | (emergency_ << 224)
        );
}

function organization(Participant self) pure returns (address) {
    return address(uint160(Participant.unwrap(self)));
}

function roles(Participant self) pure returns (uint16) {
    return uint16(Participant.unwrap(self) >> 160);
}

function since(Participant self) pure returns (uint40) {
    return uint40(Participant.unwrap(self) >> 176);
}

/// @notice Whether this is somebody, not an organization nor a team.
function isPerson(Participant self) pure returns (bool) {
    return self.roles() & PERSONAL_ROLES != 0 && self.roles() & (TEAM | ORGANIZATION | CONSORTIUM) == 0;
}

/// @notice Whether she acts for her organization: a patient is nobody's staff, not even the hospital's that registered her.
function isStaff(Participant self) pure returns (bool) {
    return self.roles() & ~PATIENT != 0;
}

/// @notice A patient who is not suspended: one look at two things.
function isLivePatient(Participant self) pure returns (bool) {
    uint256 patient = uint256(PATIENT) << 160;
    return Participant.unwrap(self) & (patient | SUSPENDED_BIT) == patient;
}

/// @notice Whether she holds one of the roles and is not suspended.
/// @dev One comparison: of these bits something is set, and not the highest of them, the bit of suspension.
function isLiveIn(Participant self, uint16 anyOf) pure returns (bool) {
    uint256 found = Participant.unwrap(self) & ((uint256(anyOf) << 160) | SUSPENDED_BIT);
    unchecked {
        return found - 1 < SUSPENDED_BIT - 1;
    }
}

function isSuspended(Participant self) pure returns (bool) {
    return Participant.unwrap(self) & SUSPENDED_BIT != 0;
}

/// @notice Whether a patient lets a break-glass count even for whom she denies.
function isOverDenials(Participant self) pure returns (bool) {
    return Participant.unwrap(self) & OVER_DENIALS_BIT != 0;
}

function emergency(Participant self) pure returns (uint16) {
    return uint16(Participant.unwrap(self) >> 224);
}

function barredAuthors(Participant self) pure returns (uint16) {
    return uint16(Participant.unwrap(self) >> 240);
}

function withRoles(Participant self, uint16 roles_) pure returns (Participant) {
    return Participant.wrap((Participant.unwrap(self) & ~(uint256(0xffff) << 160)) | (uint256(roles_) << 160));
}

function withSuspended(Participant self, bool suspended) pure returns (Participant) {
    uint256 word = Participant.unwrap(self) & ~SUSPENDED_BIT;
    return Participant.wrap(suspended ? word | SUSPENDED_BIT : word);
}

function withPreferences(
    Participant self,
    uint16 emergency_,
    bool overDenials,
    uint16 barredAuthors_
) pure returns (Participant) {
    uint256 word = Participant.unwrap(self) & ((1 << 224) - 1) & ~OVER_DENIALS_BIT;
    if (overDenials) word |= OVER_DENIALS_BIT;
    return Participant.wrap(word | (uint256(emergency_) << 224) | (uint256(barredAuthors_) << 240));
}
