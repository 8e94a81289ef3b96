// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {RecordState, Subject} from "./Record.sol";

/// @notice Who wants to read which record for which purpose, and when.
struct AccessRequest {
    address reader;
    /// purpose of use, a code of Purpose.sol; one is always stated
    uint8 purpose;
    /// seconds since 1970; a decision is never about a time before the block it is asked at
    uint40 at;
    /// digest of the record
    bytes32 digest;
    /// patient and categories of the record; in a batch the whole subject, as its leaf has it
    Subject subject;
    /// author of the record
    address author;
}

/// @notice Where a record stands on the ledger.
enum AnchorKind {
    Single,
    Batch,
    Prescription
}

/// @notice Evidence that the record was anchored: nothing for a single one, a Merkle proof in a batch, the rest of the
/// opening for a prescription's body.
struct AnchorProof {
    AnchorKind kind;
    /// batch: its root. prescription: the root of its fill keys
    bytes32 root;
    /// batch: position of the record
    uint32 index;
    /// batch: Merkle path from the record's leaf to the root. prescription: its terms
    bytes32[] path;
}

enum BasisKind {
    None,
    OwnRecord,
    Author,
    Consent,
    SignedConsent,
    Presentation,
    Delegation,
    BreakGlass
}

/// @notice One thing that the reader says gives her access. Only those that hold count.
struct Basis {
    BasisKind kind;
    /// consent: the person, team or organization it names. delegation, break-glass: the reader
    address grantee;
    /// consent: its scope
    bytes32 scope;
    /// signed consent: abi.encode(SignedConsentProof). presentation: abi.encode(PresentationProof)
    bytes proof;
}

/// @notice Why; in rising order of how much it tells, so that the best reason does not depend on the order of bases.
enum Reason {
    NoBasis,
    PurposeNotCovered,
    CategoryNotCovered,
    ConsentNotYetLive,
    ConsentExpired,
    ConsentWithdrawn,
    PresentationInvalid,
    DelegationOver,
    BreakGlassOver,
    NotYetAccepted,
    PurposeUnknown,
    DeniedByPatient,
    RecordNotAnchored,
    AuditorsReadNoRecords,
    OrganizationSuspended,
    ReaderSuspended,
    ReaderNotRegistered,
    Permitted
}

struct Decision {
    bool permitted;
    Reason reason;
    BasisKind basis;
    /// id of the consent, prescription, delegation or opening it rests on; of several, the first one given that counts,
    /// but an opening only where the others do not suffice; zero for own and author
    bytes32 basisId;
    /// seconds since 1970 at which, as things stand, it ends; 2**40 - 1: does not end by itself
    uint40 until;
    RecordState state;
}
