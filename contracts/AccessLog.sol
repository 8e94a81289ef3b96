// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Participants} from "./Participants.sol";
import {IAccessLog} from "./interfaces/IAccessLog.sol";
import {ORGANIZATION} from "./types/Role.sol";

/// @title Checkpoints of access logs
/// @dev The root lives in the event; the word keeps what the next checkpoint is checked against.
abstract contract AccessLog is IAccessLog, Participants {
    struct Checkpoint {
        uint64 size;
        uint40 anchoredAt;
    }

    mapping(address operator => Checkpoint) private _checkpoints;

    /// @inheritdoc IAccessLog
    function anchorCheckpoint(uint64 size, bytes32 root) external {
        _requireRole(msg.sender, ORGANIZATION);
        uint64 anchoredSize = _checkpoints[msg.sender].size;
        if (size <= anchoredSize) revert CheckpointNotNewer(size, anchoredSize);
        _checkpoints[msg.sender] = Checkpoint(size, uint40(block.timestamp));
        emit CheckpointAnchored(msg.sender, size, root);
    }

    /// @inheritdoc IAccessLog
    function checkpointOf(address operator) external view returns (uint64 size, uint40 anchoredAt) {
        Checkpoint memory last = _checkpoints[operator];
        return (last.size, last.anchoredAt);
    }
}
