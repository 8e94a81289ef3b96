// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {FAMRQT, PWATRNY} from "./Purpose.sol";

/// @notice What a patient lets one person do in her name, in one storage word.
/// @dev From high to low: 136 spare bits | `changes` (uint16, how often it was set or ended) | `since` (uint40, seconds,
/// of the last change) | `until` (uint40, seconds) | `powers` (uint8 mask) | `categories` (uint16 mask).
/// Zero: never named. Ended: powers, categories and `until` are zero, and the rest stays.
type Delegation is uint256;

using {categories, powers, until, since, changes, isLiveAt, has, changed} for Delegation global;

// Powers are bits of a uint8. Reading, granting, withdrawing (and denying) and accepting are acts of the ledger; presenting
// binds the gateway that keeps the patient's fill keys. To file insurance claims for her is no act of anybody's here: its
// bit is kept for the pathways that will know of claims, and until then nobody is given it.

uint8 constant POWER_READ = 1 << 0;
uint8 constant POWER_GRANT = 1 << 1;
uint8 constant POWER_WITHDRAW = 1 << 2;
uint8 constant POWER_CLAIM = 1 << 3;
uint8 constant POWER_PRESENT = 1 << 4;
uint8 constant POWER_ACCEPT = 1 << 5;
uint8 constant ALL_POWERS = POWER_READ | POWER_GRANT | POWER_WITHDRAW | POWER_PRESENT | POWER_ACCEPT;

/// @dev A delegation is renewed, not forgotten: it never lasts for ever.
uint256 constant LONGEST_DELEGATION = 2 * 365 days;

/// @dev The purposes for which a delegate reads, and no others.
uint16 constant DELEGATE_PURPOSES = uint16((1 << FAMRQT) | (1 << PWATRNY));

bytes32 constant DELEGATION_TYPEHASH = keccak256(
    "Delegation(address patient,address delegate,uint8 powers,uint16 categories,uint40 until,uint16 changes,uint40 deadline)"
);

/// @notice What a delegate did in a patient's name.
enum DelegatedAct {
    None,
    Grant,
    Withdraw,
    Deny,
    Answer,
    AcceptInBatch,
    TurnDownInBatch,
    GrantAsAsked,
    Decline
}

/// @notice The id by which a decision names the delegation that it rests on.
function delegationId(address patient, address delegate) pure returns (bytes32) {
    return keccak256(abi.encode(patient, delegate));
}

function categories(Delegation self) pure returns (uint16) {
    return uint16(Delegation.unwrap(self));
}

function powers(Delegation self) pure returns (uint8) {
    return uint8(Delegation.unwrap(self) >> 16);
}

function until(Delegation self) pure returns (uint40) {
    return uint40(Delegation.unwrap(self) >> 24);
}

function since(Delegation self) pure returns (uint40) {
    return uint40(Delegation.unwrap(self) >> 64);
}

function changes(Delegation self) pure returns (uint16) {
    return uint16(Delegation.unwrap(self) >> 104);
}

/// @notice Live from its last change on, no longer at `until`; an ended one is live never.
function isLiveAt(Delegation self, uint256 time) pure returns (bool) {
    return self.since() <= time && time < self.until();
}

/// @notice Whether the delegation is live and gives all of these powers.
function has(Delegation self, uint8 needed, uint256 time) pure returns (bool) {
    return self.powers() & needed == needed && self.isLiveAt(time);
}

/// @notice The same pair's word with other content, from now on; zeros end it.
/// @dev The counter wraps after 65,536 changes; a signature that old is past its deadline.
function changed(Delegation self, uint8 powers_, uint16 categories_, uint40 until_) view returns (Delegation) {
    uint256 count = uint16(uint256(self.changes()) + 1);
    uint256 content = uint256(categories_) | (uint256(powers_) << 16) | (uint256(until_) << 24);
    return Delegation.wrap(content | (block.timestamp << 64) | (count << 104));
}

function delegationHash(
    address patient,
    address delegate,
    uint8 powers_,
    uint16 categories_,
    uint40 until_,
    uint16 changes_,
    uint40 deadline
) pure returns (bytes32) {
    return
        keccak256(abi.encode(DELEGATION_TYPEHASH, patient, delegate, powers_, categories_, until_, changes_, deadline));
}
