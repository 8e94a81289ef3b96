// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Consents} from "./Consents.sol";
import {IRecords} from "./interfaces/IRecords.sol";
import {Consent, MAY_WRITE_BIT} from "./types/Consent.sol";
import {Participant} from "./types/Participant.sol";
import {Batch, BatchKind, RecordState, RecordWord, Subject, newRecord, recordLeaf} from "./types/Record.sol";
import {WRITERS} from "./types/Role.sol";

/// @title What was written, by whom, about whom, when
/// @dev One word a record; in a batch one bit a record, 256 records a slot, for each thing that can happen to it.
abstract contract Records is IRecords, Consents {
    mapping(bytes32 digest => RecordWord) internal _records;
    mapping(bytes32 root => mapping(uint256 word => uint256 bits)) private _accepted;
    mapping(bytes32 root => mapping(uint256 word => uint256 bits)) private _superseded;
    mapping(bytes32 root => mapping(uint256 word => uint256 bits)) private _retracted;

    /// @inheritdoc IRecords
    function anchor(bytes32 digest, Subject subject) external {
        if (subject.patient() == msg.sender) {
            _requirePatient(msg.sender);
        } else {
            address organization = _requireRole(msg.sender, WRITERS).organization();
            _requireWriteConsent(subject, subject.isViaOrganization() ? organization : msg.sender, organization);
        }
        _anchor(digest, subject);
    }

    /// @inheritdoc IRecords
    function anchorAsMember(bytes32 digest, Subject subject, address team) external {
        address organization = _requireRole(msg.sender, WRITERS).organization();
        if (!_isLiveMember(subject.patient(), team, msg.sender)) {
            revert WriteNotPermitted(subject.patient(), msg.sender, subject.categories());
        }
        _requireWriteConsent(subject, team, organization);
        _anchor(digest, subject);
    }

    /// @inheritdoc IRecords
    function propose(bytes32 digest, Subject subject) external {
        Participant author = _requireRole(msg.sender, WRITERS);
        _requirePatient(subject.patient());
        if (_isDenied(subject.patient(), msg.sender, author)) {
            revert WriteNotPermitted(subject.patient(), msg.sender, subject.categories());
        }
        _store(digest, subject, RecordState.Proposed);
        emit RecordProposed(digest, subject.patient(), _authorship(subject));
    }

    /// @inheritdoc IRecords
    function answer(bytes32 digest, Subject subject, address author, bool accepted) external {
        _requirePatient(msg.sender);
        if (subject.patient() != msg.sender) revert NotThePatient(msg.sender, subject.patient());
        RecordWord current = _requireRecord(digest, subject, author);
        if (current.state() != RecordState.Proposed) revert RecordStateUnfit(digest, current.state());

        _records[digest] = current.withState(accepted ? RecordState.Anchored : RecordState.TurnedDown);

        if (accepted) emit RecordAccepted(digest, msg.sender);
        else emit RecordTurnedDown(digest, msg.sender);
    }

    /// @inheritdoc IRecords
    function supersede(bytes32 superseded, bytes32 digest, Subject subject) external {
        _requireAuthorRole(subject);
        RecordWord current = _requireRecord(superseded, subject, msg.sender);
        RecordState state = current.state();
        if (state != RecordState.Anchored && state != RecordState.Proposed) revert RecordStateUnfit(superseded, state);

        _records[superseded] = current.withState(RecordState.Superseded);
        _store(digest, subject, state);

        if (state == RecordState.Anchored) emit RecordAnchored(digest, subject.patient(), _authorship(subject));
        else emit RecordProposed(digest, subject.patient(), _authorship(subject));
        emit RecordSuperseded(superseded, digest);
    }

    /// @inheritdoc IRecords
    function retract(bytes32 digest, Subject subject) external {
        _requireAuthorRole(subject);
        RecordWord current = _requireRecord(digest, subject, msg.sender);
        RecordState state = current.state();
        if (state == RecordState.Retracted || state == RecordState.TurnedDown) revert RecordStateUnfit(digest, state);

        _records[digest] = current.withState(RecordState.Retracted);

        emit RecordRetracted(digest);
    }

    /// @inheritdoc IRecords
    function anchorBatch(bytes32 root, uint32 count, bytes32 manifest) external {
        _requireRole(msg.sender, WRITERS);
        _anchorBatch(root, count, BatchKind.Records);
        emit BatchAnchored(root, msg.sender, count, manifest);
    }

    /// @inheritdoc IRecords
    function retractInBatch(bytes32 root, uint32 index) external {
        _requireBatchAuthor(root, index);
        _setBit(_retracted[root], root, index);
        emit BatchRecordRetracted(root, index);
    }

    /// @inheritdoc IRecords
    function supersedeInBatch(bytes32 root, uint32 index, bytes32 digest, Subject subject) external {
        _requireBatchAuthor(root, index);
        _requireRecord(digest, subject, msg.sender);
        _setBit(_superseded[root], root, index);
        emit BatchRecordSuperseded(root, index, digest);
    }

    /// @inheritdoc IRecords
    function acceptInBatch(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external {
        _requirePatient(msg.sender);
        if (subject.patient() != msg.sender) revert NotThePatient(msg.sender, subject.patient());
        if (
            _batches[root].kind() != BatchKind.Records ||
            !MerkleProof.verifyCalldata(path, root, recordLeaf(index, digest, subject))
        ) revert ProofInvalid(root, index);
        _setBit(_accepted[root], root, index);
        emit BatchRecordAccepted(root, index, msg.sender);
    }

    /// @inheritdoc IRecords
    function recordOf(bytes32 digest) external view returns (RecordWord) {
        return _records[digest];
    }

    /// @inheritdoc IRecords
    function batchOf(bytes32 root) external view returns (Batch) {
        return _batches[root];
    }

    /// @inheritdoc IRecords
    function batchRecordOf(
        bytes32 root,
        uint32 index
    ) public view returns (bool accepted, bool superseded, bool retracted) {
        uint256 bit = 1 << (index & 0xff);
        accepted = _accepted[root][index >> 8] & bit != 0;
        superseded = _superseded[root][index >> 8] & bit != 0;
        retracted = _retracted[root][index >> 8] & bit != 0;
    }

    /// @dev The person is in the team now, and neither the team nor its organization is suspended, or denied by the patient.
    function _isLiveMember(address patient, address team, address person) internal view returns (bool) {
        Participant word = _participants[team];
        return
            _members[team][person] &&
            !word.isSuspended() &&
            !_participants[word.organization()].isSuspended() &&
            !_isDenied(patient, team, word);
    }

    /// @dev Whoever writes about herself does it as a patient, about anybody else in one of the roles that write.
    function _requireAuthorRole(Subject subject) private view {
        if (subject.patient() == msg.sender) _requirePatient(msg.sender);
        else _requireRole(msg.sender, WRITERS);
    }

    /// @dev Reverts unless the patient's consent, now, lets `grantee` (the caller, her organization or her team) write
    /// all the record's categories, and she denies neither the caller nor the caller's organization.
    function _requireWriteConsent(Subject subject, address grantee, address organization) internal view {
        if (!_isPermitted(subject, grantee, organization, subject.categories() | MAY_WRITE_BIT)) {
            revert WriteNotPermitted(subject.patient(), msg.sender, subject.categories());
        }
    }

    /// @dev The consent under the subject's number, now, has all of `needed`, and the patient denies neither the caller
    /// nor the caller's organization.
    function _isPermitted(
        Subject subject,
        address grantee,
        address organization,
        uint256 needed
    ) internal view returns (bool) {
        mapping(address grantee => mapping(bytes32 scope => Consent)) storage consents = _consents[subject.patient()];
        uint16 number = subject.consentNumber();
        Consent consent = consents[grantee][bytes32(uint256(number))];
        if (!consent.permits(needed, block.timestamp)) return false;
        // The pair's first word is both consent and denial: the common case reads it once.
        Consent first = grantee == msg.sender && number == 0 ? consent : consents[msg.sender][0];
        if (first.isDenied()) return false;
        return organization == msg.sender || !consents[organization][0].isDenied();
    }

    function _anchor(bytes32 digest, Subject subject) internal {
        _store(digest, subject, RecordState.Anchored);
        emit RecordAnchored(digest, subject.patient(), _authorship(subject));
    }

    function _store(bytes32 digest, Subject subject, RecordState state) private {
        if (subject.patient() == address(0) || subject.categories() == 0) revert SubjectInvalid(subject);
        RecordWord record = newRecord(subject, msg.sender, state);
        if (RecordWord.unwrap(_records[digest]) != 0) revert RecordAlreadyAnchored(digest);
        _records[digest] = record;
    }

    function _requireRecord(bytes32 digest, Subject subject, address author) private view returns (RecordWord current) {
        current = _records[digest];
        if (!current.belongsTo(subject, author)) revert RecordNotAnchored(digest);
    }

    function _requireBatchAuthor(bytes32 root, uint32 index) private view {
        _requireRole(msg.sender, WRITERS);
        Batch batch = _batches[root];
        if (batch.author() != msg.sender || batch.kind() != BatchKind.Records) {
            revert NotTheBatchAuthor(root, msg.sender);
        }
        if (index >= batch.count()) revert IndexOutOfRange(root, index, batch.count());
    }

    function _setBit(mapping(uint256 word => uint256 bits) storage words, bytes32 root, uint32 index) private {
        uint256 bits = words[index >> 8];
        uint256 bit = 1 << (index & 0xff);
        if (bits & bit != 0) revert BatchRecordUnchanged(root, index);
        words[index >> 8] = bits | bit;
    }

    function _authorship(Subject subject) private view returns (uint256) {
        return uint160(msg.sender) | (uint256(subject.categories()) << 160);
    }
}
