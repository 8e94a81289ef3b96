// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {GRANTABLE_PURPOSES, TREAT, purposesCovering} from "./Purpose.sol";

/// @notice What a patient grants, packed by whoever calls.
/// @dev From high to low: `mayWrite` (1 bit) | `expiry` (uint40) | `notBefore` (uint40) | `purposes` (uint16 mask) |
/// `categories` (uint16 mask). Times are seconds since 1970; live from `notBefore`, no longer live at `expiry`.
/// An expiry of 2**40 - 1 is the patient saying "for ever".
type ConsentTerms is uint256;

/// @notice What a patient signs to grant, packed by whoever submits it.
/// @dev From high to low: `deadline` (uint40, seconds since 1970, after which the signature is void) | 216 bits of
/// `ConsentTerms`.
type SignedTerms is uint256;

/// @notice One consent, in one storage word: its terms, when it was withdrawn, and (in a pair's first word) the denial.
/// @dev From high to low: `deniedAt` (uint40, when the last denial began) | `liftedAt` (uint40, when it was lifted) |
/// `denials` (uint16, how often the denial changed) | `withdrawnAt` (uint40) | 6 spare bits | `denied` (1 bit) | the 113
/// bits of `ConsentTerms`. A consent is made once and ends once: records that rest on it can be judged by it for ever.
type Consent is uint256;

/// @notice Which of a patient's consents: the grantee and the scope in one word, so that a consent is two hashes away.
/// @dev A number: 80 unused bits | number (uint16) | grantee (address). A record's digest: 1 (1 bit) | 255 bits of
/// keccak256(grantee, digest).
type ConsentKey is uint256;

/// @dev In a struct of its own, so that the slot is worked out once for reading and writing.
struct ConsentEntry {
    Consent word;
}

using {categories, purposes, notBefore, expiry, mayWrite, writing, isWellFormed, isPeriodEmpty} for ConsentTerms global;
using {granted, deadline} for SignedTerms global;
using {
    terms,
    withdrawnAt,
    isDenied,
    denials,
    deniedAt,
    liftedAt,
    lastDenial,
    isGranted,
    isLiveAt,
    lacking,
    isUsed,
    isWithdrawn,
    covers,
    withTerms,
    withWithdrawal,
    withDenial
} for Consent global;

uint256 constant MAY_WRITE_BIT = 1 << 112;
uint256 constant TREATMENT_BIT = uint256(1) << (16 + TREAT);
uint256 constant DENIED_BIT = 1 << 113;
uint256 constant CATEGORIES_MASK = type(uint16).max;
uint256 constant PURPOSES_MASK = uint256(type(uint16).max) << 16;
uint256 constant TERMS_MASK = (1 << 113) - 1;
uint256 constant WITHDRAWN_MASK = uint256(type(uint40).max) << 120;
/// @dev What no terms have: bits beyond theirs, and purposes that cannot be granted.
uint256 constant STRAY_MASK = ~TERMS_MASK | (uint256(uint16(~GRANTABLE_PURPOSES)) << 16);

/// @notice The id by which a decision names the consent that it rests on.
function consentId(address patient, address grantee, bytes32 scope) pure returns (bytes32) {
    return keccak256(abi.encode(patient, grantee, scope));
}

function consentKey(address grantee, bytes32 scope) pure returns (ConsentKey) {
    return isNumber(scope) ? numberKey(grantee, scope) : digestKey(grantee, scope);
}

/// @notice Whether a scope numbers the pair's consents; else it is the digest of the one record it is about.
function isNumber(bytes32 scope) pure returns (bool) {
    return uint256(scope) <= type(uint16).max;
}

function numberKey(address grantee, bytes32 number) pure returns (ConsentKey) {
    return ConsentKey.wrap(uint160(grantee) | (uint256(number) << 160));
}

function digestKey(address grantee, bytes32 digest) pure returns (ConsentKey) {
    bytes32 hash = Hashes.efficientKeccak256(bytes32(uint256(uint160(grantee))), digest);
    return ConsentKey.wrap(uint256(hash) | (1 << 255));
}

/// @notice The key of the pair's first word, which also carries the denial.
function firstKey(address grantee) pure returns (ConsentKey) {
    return ConsentKey.wrap(uint160(grantee));
}

function categories(ConsentTerms self) pure returns (uint16) {
    return uint16(ConsentTerms.unwrap(self));
}

function purposes(ConsentTerms self) pure returns (uint16) {
    return uint16(ConsentTerms.unwrap(self) >> 16);
}

function notBefore(ConsentTerms self) pure returns (uint40) {
    return uint40(ConsentTerms.unwrap(self) >> 32);
}

function expiry(ConsentTerms self) pure returns (uint40) {
    return uint40(ConsentTerms.unwrap(self) >> 72);
}

function mayWrite(ConsentTerms self) pure returns (bool) {
    return ConsentTerms.unwrap(self) & MAY_WRITE_BIT != 0;
}

/// @notice `mayWrite` as a word: 1 or 0.
function writing(ConsentTerms self) pure returns (uint256) {
    return (ConsentTerms.unwrap(self) >> 112) & 1;
}

/// @notice Whether the terms name a category and a purpose, only grantable purposes, and nothing outside their bits.
/// @dev One branch for all: the product of two masks is zero if one of them is, and one less is then below zero.
function isWellFormed(ConsentTerms self) pure returns (bool) {
    unchecked {
        uint256 word = ConsentTerms.unwrap(self);
        uint256 named = (word & CATEGORIES_MASK) * (word & PURPOSES_MASK);
        return (word & STRAY_MASK) | ((named - 1) >> 255) == 0;
    }
}

/// @notice Whether the period ends before, or when, it begins, or is over at `time`.
/// @dev One branch for both: a difference below zero sets the highest bit.
function isPeriodEmpty(ConsentTerms self, uint256 time) pure returns (bool) {
    unchecked {
        uint256 end = self.expiry();
        return ((self.notBefore() - end) & (time - end)) >> 255 == 0;
    }
}

function granted(SignedTerms self) pure returns (ConsentTerms) {
    return ConsentTerms.wrap(SignedTerms.unwrap(self) & type(uint216).max);
}

function deadline(SignedTerms self) pure returns (uint40) {
    return uint40(SignedTerms.unwrap(self) >> 216);
}

function terms(Consent self) pure returns (ConsentTerms) {
    return ConsentTerms.wrap(Consent.unwrap(self) & TERMS_MASK);
}

function withdrawnAt(Consent self) pure returns (uint40) {
    return uint40(Consent.unwrap(self) >> 120);
}

function denials(Consent self) pure returns (uint16) {
    return uint16(Consent.unwrap(self) >> 160);
}

function isDenied(Consent self) pure returns (bool) {
    return Consent.unwrap(self) & DENIED_BIT != 0;
}

/// @notice When the last denial began, in seconds since 1970; zero: there was none.
function deniedAt(Consent self) pure returns (uint40) {
    return uint40(Consent.unwrap(self) >> 216);
}

/// @notice When the last denial was lifted; zero: there was none, or it stands.
function liftedAt(Consent self) pure returns (uint40) {
    return uint40(Consent.unwrap(self) >> 176);
}

/// @notice When the last denial began and, in the low 40 bits, when it was lifted.
function lastDenial(Consent self) pure returns (uint256) {
    return Consent.unwrap(self) >> 176;
}

function isGranted(Consent self) pure returns (bool) {
    return Consent.unwrap(self) & TERMS_MASK != 0;
}

/// @notice Live from `notBefore` on, no longer at `expiry`, and no longer at the second of its withdrawal.
function isLiveAt(Consent self, uint256 time) pure returns (bool) {
    ConsentTerms terms_ = ConsentTerms.wrap(Consent.unwrap(self));
    uint40 end = self.withdrawnAt();
    return terms_.notBefore() <= time && time < terms_.expiry() && (end == 0 || time < end);
}

/// @notice Zero if the consent, now, has every bit of `needed` (categories, purposes, leave to write) and is neither
/// withdrawn nor denied; else something else.
/// @dev Without branches, since it holds nearly always: the first part is zero if exactly the needed bits are set among
/// those asked for, the second if neither difference is below zero.
function lacking(Consent self, uint256 needed, uint256 time) pure returns (uint256) {
    ConsentTerms terms_ = ConsentTerms.wrap(Consent.unwrap(self));
    uint256 bits = (Consent.unwrap(self) & (needed | WITHDRAWN_MASK | DENIED_BIT)) ^ needed;
    unchecked {
        return bits | (((time - terms_.notBefore()) | ~(time - terms_.expiry())) >> 255);
    }
}

/// @notice Whether the scope was used, by a grant or by voiding it.
function isUsed(Consent self) pure returns (bool) {
    return Consent.unwrap(self) & (TERMS_MASK | WITHDRAWN_MASK) != 0;
}

function isWithdrawn(Consent self) pure returns (bool) {
    return Consent.unwrap(self) & WITHDRAWN_MASK != 0;
}

/// @notice Whether one of the granted purposes covers the stated one.
function covers(Consent self, uint8 purpose) pure returns (bool) {
    return self.terms().purposes() & purposesCovering(purpose) != 0;
}

function withTerms(Consent self, ConsentTerms terms_) pure returns (Consent) {
    return Consent.wrap(Consent.unwrap(self) | ConsentTerms.unwrap(terms_));
}

function withWithdrawal(Consent self, uint256 time) pure returns (Consent) {
    return Consent.wrap(Consent.unwrap(self) | (time << 120));
}

function withDenial(Consent self, bool denied, uint256 time) pure returns (Consent) {
    uint256 word = Consent.unwrap(self) & (TERMS_MASK | WITHDRAWN_MASK);
    // The counter wraps after 65,536 changes of one pair's mind; a signature that old is past its deadline.
    word |= uint256(uint16((Consent.unwrap(self) >> 160) + 1)) << 160;
    if (denied) return Consent.wrap(word | DENIED_BIT | (time << 216));
    return Consent.wrap(word | (uint256(self.deniedAt()) << 216) | (time << 176));
}
