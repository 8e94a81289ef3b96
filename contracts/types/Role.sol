// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// Roles are bits of a uint16, so that one storage word says everything a person or organization may do.
// An organization holds the roles that it may confer on its people, and may itself act in them.

uint16 constant PATIENT = 1 << 0;
uint16 constant PRACTITIONER = 1 << 1;
uint16 constant PRESCRIBER = 1 << 2;
uint16 constant LABORATORY = 1 << 3;
uint16 constant PHARMACIST = 1 << 4;
uint16 constant EMERGENCY = 1 << 5;
uint16 constant RESEARCHER = 1 << 6;
uint16 constant PAYER = 1 << 7;
uint16 constant AUDITOR = 1 << 8;
uint16 constant CUSTODIAN = 1 << 9;
uint16 constant TEAM = 1 << 13;
uint16 constant ORGANIZATION = 1 << 14;
uint16 constant CONSORTIUM = 1 << 15;

/// @dev The roles a person may be given by her organization; everybody may be a patient.
uint16 constant PERSONAL_ROLES = (1 << 10) - 1;

/// @dev Whoever holds one of these may author a record about somebody else.
uint16 constant WRITERS = PRACTITIONER | LABORATORY | PHARMACIST | EMERGENCY | RESEARCHER;
