// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Care} from "../Care.sol";
import {ICosignatures} from "../interfaces/ICosignatures.sol";
import {MAY_WRITE_BIT} from "../types/Consent.sol";
import {Cosignature, Signatures, cosignatureHash} from "../types/Cosignature.sol";
import {RecordState, RecordWord, Subject} from "../types/Record.sol";
import {WRITERS} from "../types/Role.sol";

/// @title Records with two signatures
/// @dev The first signature is the author's anchor; the second is one word under the same digest, written once.
abstract contract RareCosignatures is ICosignatures, Care {
    /// @inheritdoc ICosignatures
    function awaitCosignature(bytes32 digest, Subject subject) external {
        _requireAuthorRole(subject);
        RecordState state = _requireRecord(digest, subject, msg.sender).state();
        if (state != RecordState.Anchored && state != RecordState.Proposed) revert RecordStateUnfit(digest, state);
        Cosignature current = _unsigned(digest);
        if (current.isAwaited()) revert CosignatureAlreadyAwaited(digest);

        _cosignatures[digest] = current.asAwaited();

        emit CosignatureAwaited(digest, subject.patient(), msg.sender);
    }

    /// @inheritdoc ICosignatures
    function cosign(bytes32 digest, Subject subject, address author) external {
        address patient = subject.patient();
        if (author == msg.sender) revert OwnSignature(digest, author);
        if (author == patient) {
            if (_lackingAs(WRITERS, subject, MAY_WRITE_BIT) != 0) _refuseWriting(subject);
        } else {
            _requirePatient(msg.sender);
            if (patient != msg.sender) revert NotThePatient(msg.sender, patient);
        }
        _cosign(digest, subject, author, msg.sender);
    }

    /// @inheritdoc ICosignatures
    function cosignSigned(
        bytes32 digest,
        Subject subject,
        address author,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external {
        address patient = subject.patient();
        if (author == patient) revert OwnSignature(digest, author);
        _requirePatient(patient);
        _requireSigned(patient, cosignatureHash(digest, author, patient, deadline), deadline, r, vs);
        _cosign(digest, subject, author, patient);
    }

    /// @inheritdoc ICosignatures
    function cosignatureOf(bytes32 digest) external view returns (Cosignature) {
        return _cosignatures[digest];
    }

    /// @inheritdoc ICosignatures
    function signaturesOf(
        bytes32 digest,
        Subject subject,
        address author
    ) external view returns (Signatures memory signatures) {
        RecordWord record = _records[digest].word;
        if (!record.belongsTo(subject, author)) return signatures;
        Cosignature second = _cosignatures[digest];
        signatures = Signatures({
            count: second.isSigned() ? 2 : 1,
            awaited: second.isAwaited(),
            author: author,
            anchoredAt: record.anchoredAt(),
            cosigner: second.signer(),
            cosignedAt: second.signedAt()
        });
    }

    function _cosign(bytes32 digest, Subject subject, address author, address signer) private {
        RecordState state = _requireRecord(digest, subject, author).state();
        if (state != RecordState.Anchored) revert RecordStateUnfit(digest, state);

        _cosignatures[digest] = _unsigned(digest).signedBy(signer);

        emit RecordCosigned(digest, subject.patient(), signer);
    }

    function _unsigned(bytes32 digest) private view returns (Cosignature current) {
        current = _cosignatures[digest];
        if (current.isSigned()) revert RecordAlreadyCosigned(digest, current.signer());
    }
}
