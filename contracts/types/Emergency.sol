// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BTG, ETREAT} from "./Purpose.sol";

/// @notice The last time one clinician broke the glass over one patient, and how often she did, in one storage word.
/// @dev From high to low: 135 spare bits | `repeated` (1 bit: within a week of the opening before) | `reason` (uint8) |
/// `reviewed` (uint16, how many openings were) | `count` (uint16, openings; also the last one's number) | `until`
/// (uint40, seconds) | `openedAt` (uint40, seconds). Zero: never.
type BreakGlass is uint256;

/// @notice An auditor's judgement of one opening, in one storage word.
/// @dev From high to low: 48 spare bits | `outcome` (uint8) | `reviewedAt` (uint40, seconds) | `auditor` (address).
/// Zero: not reviewed.
type Review is uint256;

using {openedAt, until, count, reviewed, reason, isRepeated, isOpenAt, reopened, withReview} for BreakGlass global;
using {auditor, reviewedAt, outcome, isMade} for Review global;

uint8 constant MOST_HOURS = 24;

/// @dev A second opening by the same clinician for the same patient within this time is flagged.
uint256 constant REPEATED_WITHIN = 7 days;

// Reasons for breaking the glass: a closed list.

uint8 constant UNRESPONSIVE = 1;
uint8 constant CANNOT_DECIDE = 2;
uint8 constant LIFE_IN_DANGER = 3;
uint8 constant DELAY_HARMS = 4;

// Outcomes of a review: a closed list.

uint8 constant JUSTIFIED = 1;
uint8 constant UNJUSTIFIED = 2;
uint8 constant UNCLEAR = 3;

/// @dev The purposes that a broken glass answers to, and no others.
uint16 constant EMERGENCY_PURPOSES = uint16((1 << BTG) | (1 << ETREAT));

/// @notice The id by which a decision names the opening that it rests on, and a review the one that it judges.
function openingId(address patient, address clinician, uint16 number) pure returns (bytes32) {
    return keccak256(abi.encode(patient, clinician, number));
}

function openedAt(BreakGlass self) pure returns (uint40) {
    return uint40(BreakGlass.unwrap(self));
}

function until(BreakGlass self) pure returns (uint40) {
    return uint40(BreakGlass.unwrap(self) >> 40);
}

function count(BreakGlass self) pure returns (uint16) {
    return uint16(BreakGlass.unwrap(self) >> 80);
}

function reviewed(BreakGlass self) pure returns (uint16) {
    return uint16(BreakGlass.unwrap(self) >> 96);
}

function reason(BreakGlass self) pure returns (uint8) {
    return uint8(BreakGlass.unwrap(self) >> 112);
}

function isRepeated(BreakGlass self) pure returns (bool) {
    return BreakGlass.unwrap(self) & (1 << 120) != 0;
}

/// @notice Open from its opening on, no longer at `until`.
function isOpenAt(BreakGlass self, uint256 time) pure returns (bool) {
    return self.openedAt() <= time && time < self.until();
}

/// @notice The same pair's word after a new opening, now (checked: after 65,535 openings there is no further one).
function reopened(BreakGlass self, uint8 reason_, uint8 hoursOpen) view returns (BreakGlass) {
    uint16 number = self.count() + 1;
    bool repeated = self.count() != 0 && block.timestamp < self.openedAt() + REPEATED_WITHIN;
    uint256 end = block.timestamp + uint256(hoursOpen) * 1 hours;
    uint256 word = block.timestamp | (end << 40) | (uint256(number) << 80) | (uint256(self.reviewed()) << 96);
    return BreakGlass.wrap(word | (uint256(reason_) << 112) | (repeated ? 1 << 120 : 0));
}

/// @notice The same with one more of its openings reviewed.
function withReview(BreakGlass self) pure returns (BreakGlass) {
    return BreakGlass.wrap(BreakGlass.unwrap(self) + (1 << 96));
}

function newReview(address auditor_, uint8 outcome_) view returns (Review) {
    return Review.wrap(uint160(auditor_) | (block.timestamp << 160) | (uint256(outcome_) << 200));
}

function auditor(Review self) pure returns (address) {
    return address(uint160(Review.unwrap(self)));
}

function reviewedAt(Review self) pure returns (uint40) {
    return uint40(Review.unwrap(self) >> 160);
}

function outcome(Review self) pure returns (uint8) {
    return uint8(Review.unwrap(self) >> 200);
}

function isMade(Review self) pure returns (bool) {
    return Review.unwrap(self) != 0;
}
