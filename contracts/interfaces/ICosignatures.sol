// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Cosignature, Signatures} from "../types/Cosignature.sol";
import {Subject} from "../types/Record.sol";

/// @title Records with two signatures
/// @notice A session's summary and the actions agreed count as agreed when both have signed: the author by anchoring,
/// the other by co-signing the same digest. Under what somebody wrote about a patient the second signature is hers;
/// under what she wrote herself it is that of somebody whom she lets write. One signature is visibly one.
interface ICosignatures {
    /// @notice The author of a record asked for a second signature under it.
    event CosignatureAwaited(bytes32 indexed digest, address indexed patient, address indexed author);
    /// @notice A record has its second signature.
    event RecordCosigned(bytes32 indexed digest, address indexed patient, address indexed signer);

    /// @notice The record has two signatures already.
    error RecordAlreadyCosigned(bytes32 digest, address signer);
    /// @notice A second signature is awaited already.
    error CosignatureAlreadyAwaited(bytes32 digest);
    /// @notice The second signature is not its author's.
    error OwnSignature(bytes32 digest, address author);

    /// @notice Author only: say that a record needs a second signature.
    function awaitCosignature(bytes32 digest, Subject subject) external;

    /// @notice Sign a record that somebody else anchored: the patient, or under what the patient wrote a writer whom she
    /// lets write these categories. No delegate signs for her.
    /// @param subject patient, categories and, for a writer, which consent lets her write
    /// @param author who anchored the record
    function cosign(bytes32 digest, Subject subject, address author) external;

    /// @notice Submit the patient's second signature (EIP-712 `Cosignature`).
    function cosignSigned(
        bytes32 digest,
        Subject subject,
        address author,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external;

    /// @notice The packed word of a record's second signature; zero if there is none and none is awaited.
    function cosignatureOf(bytes32 digest) external view returns (Cosignature);

    /// @notice Who signed a record and when; all zeros unless this author anchored it about this subject.
    function signaturesOf(bytes32 digest, Subject subject, address author) external view returns (Signatures memory);
}
