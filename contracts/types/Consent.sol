// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GRANTABLE_PURPOSES, TREAT, purposesCovering} from "./Purpose.sol";

/// @notice What a patient grants, packed by whoever calls.
/// @dev From high to low: `mayWrite` (1 bit) | `expiry` (uint40) | `notBefore` (uint40) | `purposes` (uint16 mask) |
/// `categories` (uint16 mask). Times are seconds since 1970; live from `notBefore`, no longer live at `expiry`.
/// An expiry of 2**40 - 1 is the patient saying "for ever".
type ConsentTerms is uint256;

/// @notice One consent, in one storage word: its terms, when it was withdrawn, and (in a pair's first word) the denial.
/// @dev From high to low: `denials` (uint16, how often the denial changed) | `withdrawnAt` (uint40) | 6 spare bits |
/// `denied` (1 bit) | the 113 bits of `ConsentTerms`. A consent is made once and ends once: records that rest on it
/// can be judged by it for ever.
type Consent is uint256;

using {categories, purposes, notBefore, expiry, mayWrite, isWellFormed} for ConsentTerms global;
using {
    terms,
    withdrawnAt,
    isDenied,
    denials,
    isGranted,
    isLiveAt,
    permits,
    covers,
    withTerms,
    withWithdrawal,
    withDenial
} for Consent global;

uint256 constant MAY_WRITE_BIT = 1 << 112;
uint256 constant TREATMENT_BIT = uint256(1) << (16 + TREAT);
uint256 constant DENIED_BIT = 1 << 113;
uint256 constant TERMS_MASK = (1 << 113) - 1;

/// @notice The id by which a decision names the consent that it rests on.
function consentId(address patient, address grantee, bytes32 scope) pure returns (bytes32) {
    return keccak256(abi.encode(patient, grantee, scope));
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

/// @notice Whether the terms name a category, only grantable purposes, and nothing outside their bits.
function isWellFormed(ConsentTerms self) pure returns (bool) {
    uint16 named = self.purposes();
    return
        ConsentTerms.unwrap(self) <= TERMS_MASK &&
        self.categories() != 0 &&
        named != 0 &&
        named & ~GRANTABLE_PURPOSES == 0;
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

function isGranted(Consent self) pure returns (bool) {
    return Consent.unwrap(self) & TERMS_MASK != 0;
}

/// @notice Live from `notBefore` on, no longer at `expiry`, and no longer at the second of its withdrawal.
function isLiveAt(Consent self, uint256 time) pure returns (bool) {
    ConsentTerms granted = ConsentTerms.wrap(Consent.unwrap(self));
    uint40 end = self.withdrawnAt();
    return granted.notBefore() <= time && time < granted.expiry() && (end == 0 || time < end);
}

/// @notice Whether the consent is live and has every bit of `needed`: categories, purposes, leave to write.
function permits(Consent self, uint256 needed, uint256 time) pure returns (bool) {
    return Consent.unwrap(self) & needed == needed && self.isLiveAt(time);
}

/// @notice Whether one of the granted purposes covers the stated one.
function covers(Consent self, uint8 purpose) pure returns (bool) {
    return self.terms().purposes() & purposesCovering(purpose) != 0;
}

function withTerms(Consent self, ConsentTerms granted) pure returns (Consent) {
    return Consent.wrap(Consent.unwrap(self) | ConsentTerms.unwrap(granted));
}

function withWithdrawal(Consent self, uint256 time) pure returns (Consent) {
    return Consent.wrap(Consent.unwrap(self) | (time << 120));
}

function withDenial(Consent self, bool denied) pure returns (Consent) {
    uint256 word = Consent.unwrap(self) & ~DENIED_BIT;
    // The counter wraps after 65,536 changes of one pair's mind; a signature that old is past its deadline.
    word = (word & ~(uint256(0xffff) << 160)) | (uint256(uint16((word >> 160) + 1)) << 160);
    return Consent.wrap(denied ? word | DENIED_BIT : word);
}
