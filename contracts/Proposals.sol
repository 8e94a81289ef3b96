// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Prescriptions} from "./Prescriptions.sol";
import {BatchKind, RecordState, RecordWord, Subject, recordLeaf} from "./types/Record.sol";
import {WRITERS} from "./types/Role.sol";

/// @title What a patient says to a record that is proposed to her
/// @dev Every answer is given once, by herself (`RareRecords`) or by a delegate (`RareDelegations`).
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
        if (
            _batches[root].kind() != BatchKind.Records ||
            !MerkleProof.verifyCalldata(path, root, recordLeaf(index, digest, subject))
        ) revert ProofInvalid(root, index);
        mapping(uint256 word => uint256 bits) storage answers = accepted ? _accepted[root] : _turnedDown[root];
        mapping(uint256 word => uint256 bits) storage others = accepted ? _turnedDown[root] : _accepted[root];
        if (_isSet(others, index)) revert BatchRecordUnchanged(root, index);

        _setBit(answers, root, index);

        if (accepted) emit BatchRecordAccepted(root, index, subject.patient());
        else emit BatchRecordTurnedDown(root, index, subject.patient());
    }

    function _isTurnedDownInBatch(bytes32 root, uint32 index) internal view returns (bool) {
        return _isSet(_turnedDown[root], index);
    }

    /// @dev Whoever writes about herself does it as a patient, about anybody else in one of the roles that write.
    function _requireAuthorRole(Subject subject) internal view {
        if (subject.patient() == msg.sender) _requirePatient(msg.sender);
        else _requireRole(msg.sender, WRITERS);
    }

    function _isSet(mapping(uint256 word => uint256 bits) storage words, uint32 index) private view returns (bool) {
        return words[index >> 8] & (1 << (index & 0xff)) != 0;
    }
}
