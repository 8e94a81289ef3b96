// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {hashOfOne, hashOfThree} from "./Hashing.sol";
import {Subject} from "./Record.sol";

/// @notice What a prescription allows, packed.
/// @dev From high to low: 87 unused bits | `grantable` (1 bit: the prescriber agrees that a pharmacy with the patient's
/// consent may claim without a fill key) | `expiry` (uint40) | `notBefore` (uint40) | `minInterval` (uint32, seconds
/// between fills) | `quantity` (uint24, units in all) | `perFill` (uint24, most units a fill) | `fills` (uint8).
type PrescriptionTerms is uint256;

/// @notice What has become of a prescription, in one storage word.
/// @dev From high to low: `undoTag` (96 bits) | `fence` (uint16, number of the last claim) | `leaseUntil` (uint40) |
/// `dispensedAt` (uint40) | `owing` (uint24, units still owed on an open fill; zero: no fill is open) |
/// `unitsUsed` (uint24) | `fillsUsed` (uint8) | `status` (uint8).
type Prescription is uint256;

/// @dev In a struct of its own, so that the slot is worked out once for reading and writing.
struct PrescriptionEntry {
    Prescription word;
}

/// @notice The parts that a prescription's id commits to, supplied again by whoever acts on it.
struct Opening {
    /// who issued it
    address prescriber;
    /// patient and categories of the body; where a pharmacist acts on a consent, also which one
    Subject subject;
    /// what it allows
    PrescriptionTerms terms;
    /// `hiddenOf` the body's digest and the fill keys
    bytes32 hidden;
}

/// @notice What is handed out, packed.
/// @dev From high to low: 230 unused bits | `isAnchored` (1 bit: anchor the MedicationDispense in this transaction; else
/// a batch follows) | `isOwed` (1 bit: the rest of this fill is owed, to be collected later) | `units` (uint24).
type HandOut is uint256;

/// @notice Stored states; "expired" and "not yet" follow from the terms and the time, "lapsed" from the lease.
enum Status {
    None,
    Active,
    Claimed,
    Suspended,
    CancelPending,
    Completed,
    Cancelled,
    Voided
}

uint8 constant MAX_FILLS = 12;
/// @dev Fills, units, time of the last dispense and fence: what outlives a claim.
uint256 constant UNCLAIMED_MASK = (uint256(0xffff) << 144) | (((1 << 96) - 1) << 8);
uint256 constant LEASE = 24 hours;
uint256 constant UNDO_WINDOW = 30 minutes;

using {units, isOwed, isAnchored} for HandOut global;
using {
    fills,
    perFill,
    quantity,
    minInterval,
    notBefore,
    expiry,
    lackingAgreement,
    isLast,
    isWellFormed
} for PrescriptionTerms global;
using {
    status,
    isIn,
    isUnclaimedYet,
    fillsUsed,
    unitsUsed,
    owing,
    dispensedAt,
    leaseUntil,
    fence,
    nextFence,
    undoTag,
    isLeasedAt,
    withStatus,
    withLease,
    unclaimed,
    withFence,
    withNextFence,
    withDispense,
    withUndoTag
} for Prescription global;

function units(HandOut self) pure returns (uint24) {
    return uint24(HandOut.unwrap(self));
}

function isOwed(HandOut self) pure returns (bool) {
    return HandOut.unwrap(self) & (1 << 24) != 0;
}

function isAnchored(HandOut self) pure returns (bool) {
    return HandOut.unwrap(self) & (1 << 25) != 0;
}

function fills(PrescriptionTerms self) pure returns (uint8) {
    return uint8(PrescriptionTerms.unwrap(self));
}

function perFill(PrescriptionTerms self) pure returns (uint24) {
    return uint24(PrescriptionTerms.unwrap(self) >> 8);
}

function quantity(PrescriptionTerms self) pure returns (uint24) {
    return uint24(PrescriptionTerms.unwrap(self) >> 32);
}

function minInterval(PrescriptionTerms self) pure returns (uint32) {
    return uint32(PrescriptionTerms.unwrap(self) >> 56);
}

function notBefore(PrescriptionTerms self) pure returns (uint40) {
    return uint40(PrescriptionTerms.unwrap(self) >> 88);
}

function expiry(PrescriptionTerms self) pure returns (uint40) {
    return uint40(PrescriptionTerms.unwrap(self) >> 128);
}

/// @notice Zero if the prescriber agrees that a consent will do in place of a fill key.
function lackingAgreement(PrescriptionTerms self) pure returns (uint256) {
    return ~PrescriptionTerms.unwrap(self) & (1 << 168);
}

/// @notice Whether no fill is open, and no fill or no unit is left.
function isLast(PrescriptionTerms self, uint256 filled, uint256 used, uint256 owing_) pure returns (bool) {
    unchecked {
        // Neither factor is below zero; their product is zero if one of them is.
        return owing_ | ((self.fills() - filled) * (self.quantity() - used)) == 0;
    }
}

/// @notice Between 1 and 12 fills, at least a unit a fill, a period that is not empty, nothing outside the bits.
function isWellFormed(PrescriptionTerms self) pure returns (bool) {
    unchecked {
        // One branch for all: a part is zero exactly if its rule is kept, as a difference below zero sets the highest bit.
        uint256 stray = PrescriptionTerms.unwrap(self) >> 169;
        uint256 fillsBeyond = (uint256(self.fills()) - 1) / MAX_FILLS;
        uint256 amounts = (uint256(self.perFill()) - 1) | (uint256(self.quantity()) - self.perFill());
        uint256 period = ~(uint256(self.notBefore()) - self.expiry());
        return stray | fillsBeyond | ((amounts | period) >> 255) == 0;
    }
}

/// @notice What stays hidden until a fill key is shown.
/// @param digest of the sealed body, a FHIR MedicationRequest
/// @param fillKeys Merkle root of the fill keys, one a fill
function hiddenOf(bytes32 digest, bytes32 fillKeys) pure returns (bytes32) {
    return Hashes.efficientKeccak256(digest, fillKeys);
}

/// @notice The part of the id that stays hidden until the first claim.
function termsHash(bytes32 hidden, PrescriptionTerms terms) pure returns (bytes32) {
    return Hashes.efficientKeccak256(hidden, bytes32(PrescriptionTerms.unwrap(terms)));
}

function prescriptionId(address prescriber, Subject subject, bytes32 hash) pure returns (bytes32) {
    bytes32 who = bytes32(uint256(uint160(prescriber)));
    return hashOfThree(who, bytes32(Subject.unwrap(subject.identity())), hash);
}

function idOf(Opening calldata opening) pure returns (bytes32) {
    return prescriptionId(opening.prescriber, opening.subject, termsHash(opening.hidden, opening.terms));
}

function status(Prescription self) pure returns (Status) {
    return Status(uint8(Prescription.unwrap(self)));
}

function isIn(Prescription self, Status status_) pure returns (bool) {
    return Prescription.unwrap(self) & 0xff == uint256(status_);
}

/// @notice Whether it was issued, and nothing has come of it yet: whatever does leaves a fence behind, or another status.
function isUnclaimedYet(Prescription self) pure returns (bool) {
    return Prescription.unwrap(self) == uint256(Status.Active);
}

function fillsUsed(Prescription self) pure returns (uint8) {
    return uint8(Prescription.unwrap(self) >> 8);
}

function unitsUsed(Prescription self) pure returns (uint24) {
    return uint24(Prescription.unwrap(self) >> 16);
}

function owing(Prescription self) pure returns (uint24) {
    return uint24(Prescription.unwrap(self) >> 40);
}

function dispensedAt(Prescription self) pure returns (uint40) {
    return uint40(Prescription.unwrap(self) >> 64);
}

function leaseUntil(Prescription self) pure returns (uint40) {
    return uint40(Prescription.unwrap(self) >> 104);
}

function fence(Prescription self) pure returns (uint16) {
    return uint16(Prescription.unwrap(self) >> 144);
}

/// @notice The number of the next claim (checked: after 65,535 claims there is no further one).
function nextFence(Prescription self) pure returns (uint16) {
    return self.fence() + 1;
}

function undoTag(Prescription self) pure returns (uint96) {
    return uint96(Prescription.unwrap(self) >> 160);
}

function isLeasedAt(Prescription self, uint256 time) pure returns (bool) {
    return time < self.leaseUntil();
}

/// @notice The same with another status; any change of status ends the chance to undo the last dispense.
function withStatus(Prescription self, Status status_) pure returns (Prescription) {
    uint256 word = Prescription.unwrap(self) & ((1 << 160) - 1);
    return Prescription.wrap((word & ~uint256(0xff)) | uint256(status_));
}

/// @notice The same, claimed anew under the next fence.
function withLease(Prescription self, uint256 until) pure returns (Prescription) {
    uint256 word = Prescription.unwrap(self.unclaimed(Status.Claimed).withNextFence());
    return Prescription.wrap(word | (until << 104));
}

/// @notice The same with another status and without lease and chance to undo.
function unclaimed(Prescription self, Status status_) pure returns (Prescription) {
    return Prescription.wrap((Prescription.unwrap(self) & UNCLAIMED_MASK) | uint256(status_));
}

function withFence(Prescription self, uint16 fence_) pure returns (Prescription) {
    uint256 word = Prescription.unwrap(self) & ~(uint256(0xffff) << 144);
    return Prescription.wrap(word | (uint256(fence_) << 144));
}

/// @notice The same under the next fence.
function withNextFence(Prescription self) pure returns (Prescription) {
    return self.withFence(self.nextFence());
}

/// @notice The same after handing out, now; the lease is untouched.
/// @dev The terms bound what is used and owed, so that each fits its field.
function withDispense(
    Prescription self,
    uint256 fillsUsed_,
    uint256 unitsUsed_,
    uint256 owing_
) view returns (Prescription) {
    uint256 word = Prescription.unwrap(self) & ~(((uint256(1) << 96) - 1) << 8);
    return Prescription.wrap(word | (fillsUsed_ << 8) | (unitsUsed_ << 16) | (owing_ << 40) | (block.timestamp << 64));
}

/// @notice The word after a hand-out at the counter: claimed and dispensed in one step, so without a lease.
/// @dev The terms bound what is used and owed, so that each fits its field.
function dispensed(
    bool isLast_,
    uint256 fillsUsed_,
    uint256 unitsUsed_,
    uint256 owing_,
    uint16 fence_,
    uint96 undoTag_
) view returns (Prescription) {
    uint256 status_ = isLast_ ? uint256(Status.Completed) : uint256(Status.Active);
    uint256 used = status_ | (fillsUsed_ << 8) | (unitsUsed_ << 16) | (owing_ << 40);
    return Prescription.wrap(used | (block.timestamp << 64) | (uint256(fence_) << 144) | (uint256(undoTag_) << 160));
}

function withUndoTag(Prescription self, uint96 tag) pure returns (Prescription) {
    return Prescription.wrap((Prescription.unwrap(self) & ((1 << 160) - 1)) | (uint256(tag) << 160));
}

/// @notice Commits to who dispensed and to the word before it, so that only she can put it back.
/// @dev 96 bits suffice: the word to find must be a second preimage within the undo window.
function undoTagOf(address pharmacist, Prescription before) pure returns (uint96) {
    bytes32 who = bytes32(uint256(uint160(pharmacist)));
    return uint96(uint256(Hashes.efficientKeccak256(who, bytes32(Prescription.unwrap(before)))));
}

/// @notice The leaf of one fill key, hashed twice so that no inner node passes for a leaf.
function fillKeyLeaf(uint8 fill, address key) pure returns (bytes32) {
    return hashOfOne(Hashes.efficientKeccak256(bytes32(uint256(fill)), bytes32(uint256(uint160(key)))));
}
