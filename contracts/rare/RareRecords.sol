// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Proposals} from "../Proposals.sol";
import {IRareRecords} from "../interfaces/IRecords.sol";
import {Consent, MAY_WRITE_BIT} from "../types/Consent.sol";
import {Participant} from "../types/Participant.sol";
import {Batch, RecordState, RecordWord, Subject} from "../types/Record.sol";
import {WRITERS} from "../types/Role.sol";

/// @title What was written: proposals, corrections, members of teams, single records of a batch
/// @dev The rules are in `Records` and `Proposals`.
abstract contract RareRecords is IRareRecords, Proposals {
    /// @inheritdoc IRareRecords
    function anchorAsMember(bytes32 digest, Subject subject, address team) external {
        address organization = _requireRole(msg.sender, WRITERS).organization();
        if (!_isLiveMember(subject.patient(), team, msg.sender)) {
            revert WriteNotPermitted(subject.patient(), msg.sender, subject.categories());
        }
        uint256 needed = subject.categories() | MAY_WRITE_BIT;
        Consent consent = _participants[subject.patient()].consents[subject.consentKeyFor(team)].word;
        uint256 lacking = consent.lacking(needed, block.timestamp);
        if (lacking | _denial(subject.patient(), msg.sender, organization) != 0) {
            revert WriteNotPermitted(subject.patient(), msg.sender, subject.categories());
        }
        _anchor(digest, subject);
    }

    /// @inheritdoc IRareRecords
    function propose(bytes32 digest, Subject subject) external {
        Participant author = _requireRole(msg.sender, WRITERS);
        _requirePatient(subject.patient());
        if (_isDenied(subject.patient(), msg.sender, author)) {
            revert WriteNotPermitted(subject.patient(), msg.sender, subject.categories());
        }
        _store(digest, subject, RecordState.Proposed);
        emit RecordProposed(digest, subject.patient(), _authorship(subject));
    }

    /// @inheritdoc IRareRecords
    function answer(bytes32 digest, Subject subject, address author, bool accepted) external {
        _requirePatient(msg.sender);
        if (subject.patient() != msg.sender) revert NotThePatient(msg.sender, subject.patient());
        _answer(digest, subject, author, accepted);
    }

    /// @inheritdoc IRareRecords
    function supersede(bytes32 superseded, bytes32 digest, Subject subject) external {
        _requireAuthorRole(subject);
        RecordWord current = _requireRecord(superseded, subject, msg.sender);
        RecordState state = current.state();
        if (state != RecordState.Anchored && state != RecordState.Proposed) revert RecordStateUnfit(superseded, state);

        bool counts = state == RecordState.Anchored;
        _records[superseded].word = current.withState(counts ? RecordState.Superseded : RecordState.TakenBack);
        _correct(digest, subject, state);

        emit RecordSuperseded(superseded, digest);
    }

    /// @inheritdoc IRareRecords
    function retract(bytes32 digest, Subject subject) external {
        _requireAuthorRole(subject);
        RecordWord current = _requireRecord(digest, subject, msg.sender);
        RecordState state = current.state();
        if (state != RecordState.Proposed && state != RecordState.Anchored && state != RecordState.Superseded) {
            revert RecordStateUnfit(digest, state);
        }

        bool counts = state != RecordState.Proposed;
        _records[digest].word = current.withState(counts ? RecordState.Retracted : RecordState.TakenBack);

        emit RecordRetracted(digest);
    }

    /// @inheritdoc IRareRecords
    function supersedeInBatch(
        bytes32 root,
        uint32 index,
        bytes32 superseded,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external {
        _requireBatchAuthor(root, index);
        if (!_isInBatch(root, index, superseded, subject, path)) revert ProofInvalid(root, index);
        RecordState state = _stateInBatch(root, index, subject);
        if (state != RecordState.Anchored && state != RecordState.Proposed) revert RecordStateUnfit(superseded, state);

        _setBit(_superseded[root], index);
        _correct(digest, subject, state);

        emit BatchRecordSuperseded(root, index, digest);
    }

    /// @inheritdoc IRareRecords
    function acceptInBatch(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external {
        _requirePatient(msg.sender);
        if (subject.patient() != msg.sender) revert NotThePatient(msg.sender, subject.patient());
        _answerInBatch(root, index, digest, subject, path, true);
    }

    /// @inheritdoc IRareRecords
    function turnDownInBatch(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external {
        _requirePatient(msg.sender);
        if (subject.patient() != msg.sender) revert NotThePatient(msg.sender, subject.patient());
        _answerInBatch(root, index, digest, subject, path, false);
    }

    /// @inheritdoc IRareRecords
    function recordOf(bytes32 digest) external view returns (RecordWord) {
        return _records[digest].word;
    }

    /// @inheritdoc IRareRecords
    function batchOf(bytes32 root) external view returns (Batch) {
        return _batches[root];
    }

    /// @inheritdoc IRareRecords
    function batchRecordOf(
        bytes32 root,
        uint32 index
    ) external view returns (bool accepted, bool superseded, bool retracted) {
        accepted = _isSet(_accepted[root], index);
        superseded = _isSet(_superseded[root], index);
        retracted = _isSet(_gone[root], index) && !_isSet(_turnedDown[root], index);
    }

    /// @inheritdoc IRareRecords
    function isTurnedDownInBatch(bytes32 root, uint32 index) external view returns (bool) {
        return _isSet(_turnedDown[root], index);
    }

    /// @dev The correction stands as the corrected one stood.
    function _correct(bytes32 digest, Subject subject, RecordState state) private {
        _store(digest, subject, state);
        if (state == RecordState.Anchored) emit RecordAnchored(digest, subject.patient(), _authorship(subject));
        else emit RecordProposed(digest, subject.patient(), _authorship(subject));
    }
}
