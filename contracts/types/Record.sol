// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {ConsentKey} from "./Consent.sol";
import {hashOfOne, hashOfThree} from "./Hashing.sol";

/// @notice Whom a record is about and what kind it is, packed by whoever calls; and where the author's leave to write
/// it stands.
/// @dev From high to low: 62 unused bits | `proposed` (1 bit, in the leaf of a batch: the author names no consent, as in
/// `propose`) | `viaOrganization` (1 bit: the consent names the author's organization) |
/// `consentNumber` (uint16, which of the pair's consents lets the author write) | `categories` (uint16 mask) |
/// `patient` (address).
/// Only patient and categories belong to the record's identity; the leaf of a batch commits to where the leave stands as
/// well, so that nobody can say afterwards that it stood elsewhere, or nowhere.
type Subject is uint256;

/// @notice One anchored record, in one storage word.
/// @dev From high to low: `commitment` (bytes24 of keccak256(subject identity, author)) | `anchoredAt` (uint40) |
/// `state` (uint8) | 16 spare bits. What never changes is committed to; whoever needs it supplies it again.
type RecordWord is uint256;

/// @dev In a struct of its own, so that the slot is worked out once for reading and writing.
struct RecordEntry {
    RecordWord word;
}

/// @notice One anchored Merkle root over many records or many consents, in one storage word.
/// @dev From high to low: `count` (uint32) | `kind` (uint8) | 16 spare bits | `anchoredAt` (uint40) | `author` (address).
type Batch is uint256;

enum RecordState {
    None,
    Proposed,
    Anchored,
    Superseded,
    Retracted,
    TurnedDown,
    TakenBack
}

enum BatchKind {
    None,
    Records,
    Consents
}

using {
    patient,
    categories,
    consentNumber,
    isViaOrganization,
    isProposed,
    consentKeyFor,
    isWhole,
    identity,
    asWritten
} for Subject global;
using {counted} for RecordState global;
using {state, anchoredAt, belongsTo, withState} for RecordWord global;
using {author, anchoredAtOf, count, kind} for Batch global;

uint256 constant IDENTITY_MASK = (1 << 176) - 1;
uint256 constant WRITTEN_MASK = (1 << 194) - 1;

function patient(Subject self) pure returns (address) {
    return address(uint160(Subject.unwrap(self)));
}

function categories(Subject self) pure returns (uint16) {
    return uint16(Subject.unwrap(self) >> 160);
}

function consentNumber(Subject self) pure returns (uint16) {
    return uint16(Subject.unwrap(self) >> 176);
}

function isViaOrganization(Subject self) pure returns (bool) {
    return Subject.unwrap(self) & (1 << 192) != 0;
}

function isProposed(Subject self) pure returns (bool) {
    return Subject.unwrap(self) & (1 << 193) != 0;
}

/// @notice The key of the patient's consent to `grantee` under the subject's number.
function consentKeyFor(Subject self, address grantee) pure returns (ConsentKey) {
    return ConsentKey.wrap(uint160(grantee) | ((Subject.unwrap(self) >> 16) & (uint256(0xffff) << 160)));
}

/// @notice Whether it names a patient and a category. (No product of an address and a mask overflows.)
function isWhole(Subject self) pure returns (bool) {
    unchecked {
        return uint256(uint160(self.patient())) * self.categories() != 0;
    }
}

/// @notice Patient and categories alone: the part that a record's anchor commits to.
function identity(Subject self) pure returns (Subject) {
    return Subject.wrap(Subject.unwrap(self) & IDENTITY_MASK);
}

/// @notice The whole subject: what the leaf of a batch commits to.
function asWritten(Subject self) pure returns (Subject) {
    return Subject.wrap(Subject.unwrap(self) & WRITTEN_MASK);
}

/// @dev 192 bits of keccak256: nobody finds a second subject and author for a given anchor.
function commitmentOf(Subject subject, address author_) pure returns (uint256) {
    bytes32 identity_ = bytes32(Subject.unwrap(subject.identity()));
    return uint256(Hashes.efficientKeccak256(identity_, bytes32(uint256(uint160(author_))))) >> 64;
}

function newRecord(Subject subject, address author_, RecordState state_) view returns (RecordWord) {
    return RecordWord.wrap((commitmentOf(subject, author_) << 64) | (block.timestamp << 24) | (uint256(state_) << 16));
}

function state(RecordWord self) pure returns (RecordState) {
    return RecordState(uint8(RecordWord.unwrap(self) >> 16));
}

function anchoredAt(RecordWord self) pure returns (uint40) {
    return uint40(RecordWord.unwrap(self) >> 24);
}

function belongsTo(RecordWord self, Subject subject, address author_) pure returns (bool) {
    return RecordWord.unwrap(self) >> 64 == commitmentOf(subject, author_);
}

function withState(RecordWord self, RecordState state_) pure returns (RecordWord) {
    return RecordWord.wrap((RecordWord.unwrap(self) & ~(uint256(0xff) << 16)) | (uint256(state_) << 16));
}

function newBatch(address author_, uint32 count_, BatchKind kind_) view returns (Batch) {
    return Batch.wrap(uint160(author_) | (block.timestamp << 160) | (uint256(kind_) << 216) | (uint256(count_) << 224));
}

function author(Batch self) pure returns (address) {
    return address(uint160(Batch.unwrap(self)));
}

function anchoredAtOf(Batch self) pure returns (uint40) {
    return uint40(Batch.unwrap(self) >> 160);
}

function kind(Batch self) pure returns (BatchKind) {
    return BatchKind(uint8(Batch.unwrap(self) >> 216));
}

function count(Batch self) pure returns (uint32) {
    return uint32(Batch.unwrap(self) >> 224);
}

/// @notice Whether it counts as the patient's, or did until it was corrected or retracted. What was only ever proposed (and
/// waits, was turned down, or was taken back or corrected by its author before she answered) never did.
function counted(RecordState state_) pure returns (bool) {
    return state_ == RecordState.Anchored || state_ == RecordState.Superseded || state_ == RecordState.Retracted;
}

/// @notice The leaf of one record in a batch, hashed twice so that no inner node passes for a leaf.
function recordLeaf(uint32 index, bytes32 digest, Subject subject) pure returns (bytes32) {
    return hashOfOne(hashOfThree(bytes32(uint256(index)), digest, bytes32(Subject.unwrap(subject.asWritten()))));
}
