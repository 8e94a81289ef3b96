// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessRequest, AnchorProof, Basis, Decision} from "../types/Decision.sol";
import {PrescriptionTerms} from "../types/Prescription.sol";
import {SignedGrant} from "./IConsents.sol";

/// @notice A signed consent that was anchored in a batch.
struct SignedConsentProof {
    SignedGrant signed;
    bytes32 root;
    bytes32[] path;
}

/// @notice A fill key's leave for one pharmacist to read the prescription's body (EIP-712 `Presentation`).
struct PresentationProof {
    bytes32 fillKeys;
    PrescriptionTerms terms;
    bytes32[] path;
    uint40 deadline;
    bytes32 r;
    bytes32 vs;
}

/// @title The decision: may this reader open this record?
/// @notice Default is no. The bases a caller offers can only add access; denials and suspensions are looked up here
/// whatever is offered. Order does not matter, and what cannot be read or is not known counts for nothing.
interface IDecisions {
    /// @notice More bases than anybody needs.
    error TooManyBases(uint256 count, uint256 most);

    /// @notice Decide. A denial is an outcome with a reason, not a revert.
    /// @param request reader, purpose, time, record
    /// @param anchorProof where the record stands
    /// @param bases at most 16 consents, signed consents, presentations, delegations or openings that the reader says she has
    function decide(
        AccessRequest calldata request,
        AnchorProof calldata anchorProof,
        Basis[] calldata bases
    ) external view returns (Decision memory);

    /// @notice Whether the patient denied this person, team or organization at a time that is past: a record of a batch
    /// anchored then waits for her answer.
    /// @param time seconds since 1970
    function wasDenied(address patient, address grantee, uint40 time) external view returns (bool);
}
