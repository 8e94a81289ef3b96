// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// Categories of records, coarse on purpose: a bit each of a uint16 mask. A record may carry several, and whoever reads
// it needs all of them.

uint16 constant MEDICATION = 1 << 0;
uint16 constant LABORATORY_RESULT = 1 << 1;
uint16 constant IMAGING = 1 << 2;
uint16 constant VITAL_SIGNS = 1 << 3;
uint16 constant ENCOUNTER = 1 << 4;
uint16 constant CARE_PLAN = 1 << 5;
uint16 constant PROBLEMS = 1 << 6;
uint16 constant MENTAL_HEALTH = 1 << 7;
uint16 constant SEXUAL_HEALTH = 1 << 8;
uint16 constant GENETICS = 1 << 9;
uint16 constant JOURNAL = 1 << 10;
uint16 constant ADVANCE_DIRECTIVE = 1 << 11;
uint16 constant COVERAGE_CLAIMS = 1 << 12;
uint16 constant CONSENT_DOCUMENT = 1 << 13;
uint16 constant RESEARCH = 1 << 14;
uint16 constant OTHER = 1 << 15;

/// @dev No consent covers these unless it names them; "everything" in a client never includes them.
uint16 constant SENSITIVE = MENTAL_HEALTH | SEXUAL_HEALTH | GENETICS;
