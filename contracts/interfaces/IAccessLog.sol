// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Checkpoints of access logs
/// @notice Every gateway keeps an append-only RFC 6962 Merkle tree over the accesses it answered, and anchors its size
/// and root here: from then on no line can be dropped, changed or back-dated unnoticed. The cost does not depend on the
/// number of lines.
interface IAccessLog {
    /// @notice The log of `operator` had `size` lines and this RFC 6962 root.
    event CheckpointAnchored(address indexed operator, uint64 size, bytes32 root);

    /// @notice A log only grows.
    error CheckpointNotNewer(uint64 size, uint64 anchoredSize);

    /// @notice Anchor a checkpoint of the calling organization's log.
    /// @param size number of lines
    /// @param root RFC 6962 Merkle tree hash (SHA-256) over them
    function anchorCheckpoint(uint64 size, bytes32 root) external;

    /// @notice Size and time (seconds since 1970) of an operator's last checkpoint; zeros if none.
    function checkpointOf(address operator) external view returns (uint64 size, uint40 anchoredAt);
}
