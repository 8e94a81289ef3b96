// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Records} from "../Records.sol";
import {IEverydayRecords} from "../interfaces/IRecords.sol";
import {MAY_WRITE_BIT} from "../types/Consent.sol";
import {BatchKind, Subject} from "../types/Record.sol";
import {WRITERS} from "../types/Role.sol";

/// @title What was written: anchoring one or many
/// @dev The rules are in `Records`; proposals, corrections and views in `RareRecords`.
abstract contract EverydayRecords is IEverydayRecords, Records {
    /// @inheritdoc IEverydayRecords
    function anchor(bytes32 digest, Subject subject) external {
        if (subject.patient() == msg.sender) {
            _requirePatient(msg.sender);
        } else {
            if (_lackingAs(WRITERS, subject, MAY_WRITE_BIT) != 0) _refuseWriting(subject);
        }
        _anchor(digest, subject);
    }

    /// @inheritdoc IEverydayRecords
    function anchorBatch(bytes32 root, uint32 count, bytes32 manifest) external {
        _requireRole(msg.sender, WRITERS);
        _anchorBatch(root, count, BatchKind.Records);
        emit BatchAnchored(root, msg.sender, count, manifest);
    }

    /// @inheritdoc IEverydayRecords
    function retractInBatch(bytes32 root, uint32 index) external {
        _requireBatchAuthor(root, index);
        _endInBatch(root, index);
        emit BatchRecordRetracted(root, index);
    }
}
