// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// Purposes of use, HL7 v3 PurposeOfUse (code system 2.16.840.1.113883.5.8), numbered for a uint16 mask.

uint8 constant TREAT = 0;
uint8 constant ETREAT = 1;
uint8 constant CAREMGT = 2;
uint8 constant HPAYMT = 3;
uint8 constant COVERAGE = 4;
uint8 constant HOPERAT = 5;
uint8 constant HRESCH = 6;
uint8 constant CLINTRCH = 7;
uint8 constant PUBHLTH = 8;
uint8 constant PATRQT = 9;
uint8 constant FAMRQT = 10;
uint8 constant PWATRNY = 11;
uint8 constant BTG = 12;

/// @dev Every purpose that a consent may name: all but BTG, which only an opened break-glass answers to.
uint16 constant GRANTABLE_PURPOSES = (uint16(1) << BTG) - 1;

/// @notice The granted purposes, as a mask, that cover a stated one.
/// @dev HL7's hierarchy is not followed: it files clinical trials and break-glass under TREAT, and a consent to be
/// treated is no consent to be studied. This table is the whole closure; an unknown code is covered by nothing.
function purposesCovering(uint8 stated) pure returns (uint16) {
    if (stated == CAREMGT) return uint16((1 << CAREMGT) | (1 << TREAT));
    if (stated == COVERAGE) return uint16((1 << COVERAGE) | (1 << HPAYMT));
    if (stated < BTG) return uint16(1) << stated;
    return 0;
}
