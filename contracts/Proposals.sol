// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Prescriptions} from "./Prescriptions.sol";
import {Consent} from "./types/Consent.sol";
import {Batch, BatchKind, RecordState, RecordWord, Subject, recordLeaf} from "./types/Record.sol";
import {WRITERS} from "./types/Role.sol";

/// @title What a patient says to a record that is proposed to her
/// @dev A record of a batch is a proposal if the consent that its leaf names did not let its author write it, or the
/// patient denied the author. Every answer is given once, by herself (`RareRecords`) or by a delegate (`RareDelegations`).
abstract contract Proposals is Prescriptions {
    mapping(bytes32 root => mapping(uint256 word => uint256 bits)) internal _turnedDown;

    function _answer(bytes32 digest, Subject subject, address author, bool accepted) internal {
        RecordWord current = _requireRecord(digest, subject, author);
        if (current.state() != RecordState.Proposed) revert RecordStateUnfit(digest, current.state());

        _records[digest].word = current.withState(accepted ? RecordState.Anchored : RecordState.TurnedDown);

        if (accepted) emit RecordAccepted(digest, subject.patient());
        else emit RecordTurnedDown(digest, subject.patient());
    }

    function _answerInBatch(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path,
        bool accepted
    ) internal {
        if (!_isInBatch(root, index, digest, subject, path)) revert ProofInvalid(root, index);
        RecordState state = _stateInBatch(root, index, subject);
        if (state != RecordState.Proposed) revert RecordStateUnfit(digest, state);

        if (accepted) {
            _setBit(_accepted[root], index);
        } else {
            _setBit(_turnedDown[root], index);
            _setBit(_gone[root], index);
        }

        if (accepted) emit BatchRecordAccepted(root, index, subject.patient());
        else emit BatchRecordTurnedDown(root, index, subject.patient());
    }

    function _isInBatch(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) internal view returns (bool) {
        Batch batch = _batches[root];
        return
            batch.kind() == BatchKind.Records &&
            index < batch.count() &&
            MerkleProof.verifyCalldata(path, root, recordLeaf(index, digest, subject));
    }

    /// @dev Where a record that is in the batch stands: what single records keep as their state.
    function _stateInBatch(bytes32 root, uint32 index, Subject subject) internal view returns (RecordState) {
        bool gone = _isSet(_gone[root], index);
        if (gone && _isSet(_turnedDown[root], index)) return RecordState.TurnedDown;
        bool counts = _isSet(_accepted[root], index) || _wasLetWrite(_batches[root], subject);
        if (gone) return counts ? RecordState.Retracted : RecordState.TakenBack;
        if (_isSet(_superseded[root], index)) return counts ? RecordState.Superseded : RecordState.TakenBack;
        return counts ? RecordState.Anchored : RecordState.Proposed;
    }

    /// @dev The consent that the leaf names let the author (as herself or through her organization) write when the batch
    /// was anchored, and the patient denied neither of them then. Withdrawn or denied later, it still did: consents are
    /// never overwritten, and denials not forgotten.
    function _wasLetWrite(Batch batch, Subject subject) private view returns (bool) {
        if (subject.isProposed()) return false;
        address grantee = batch.author();
        if (_wasDenied(subject.patient(), grantee, batch.anchoredAtOf())) return false;
        if (subject.isViaOrganization()) grantee = _participants[grantee].word.organization();
        Consent consent = _participants[subject.patient()].consents[subject.consentKeyFor(grantee)].word;
        return
            consent.isLiveAt(batch.anchoredAtOf()) &&
            consent.terms().mayWrite() &&
            subject.categories() & ~consent.terms().categories() == 0;
    }

    /// @dev Whoever writes about herself does it as a patient, about anybody else in one of the roles that write.
    function _requireAuthorRole(Subject subject) internal view {
        if (subject.patient() == msg.sender) _requirePatient(msg.sender);
        else _requireRole(msg.sender, WRITERS);
    }
}
