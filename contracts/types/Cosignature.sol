// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice The second signature under a record, in one storage word; the first is its author's anchor.
/// @dev From high to low: 55 spare bits | `awaited` (1 bit: its author asked for one) | `signedAt` (uint40, seconds) |
/// `signer` (address). Without a signer the record has one signature.
type Cosignature is uint256;

using {signer, signedAt, isAwaited, isSigned, asAwaited, signedBy} for Cosignature global;

bytes32 constant COSIGNATURE_TYPEHASH = keccak256(
    "Cosignature(bytes32 digest,address author,address signer,uint40 deadline)"
);

/// @notice Who has signed a record, and when.
struct Signatures {
    /// 0: no such record; 1: its author's alone; 2: a second one as well
    uint8 count;
    /// the author asked for a second signature
    bool awaited;
    address author;
    /// seconds since 1970
    uint40 anchoredAt;
    /// the zero address: nobody yet
    address cosigner;
    /// seconds since 1970
    uint40 cosignedAt;
}

function signer(Cosignature self) pure returns (address) {
    return address(uint160(Cosignature.unwrap(self)));
}

function signedAt(Cosignature self) pure returns (uint40) {
    return uint40(Cosignature.unwrap(self) >> 160);
}

function isAwaited(Cosignature self) pure returns (bool) {
    return Cosignature.unwrap(self) & (1 << 200) != 0;
}

function isSigned(Cosignature self) pure returns (bool) {
    return self.signer() != address(0);
}

function asAwaited(Cosignature self) pure returns (Cosignature) {
    return Cosignature.wrap(Cosignature.unwrap(self) | (1 << 200));
}

/// @notice The same, signed now.
function signedBy(Cosignature self, address signer_) view returns (Cosignature) {
    return Cosignature.wrap(Cosignature.unwrap(self) | uint160(signer_) | (block.timestamp << 160));
}

function cosignatureHash(bytes32 digest, address author, address signer_, uint40 deadline) pure returns (bytes32) {
    return keccak256(abi.encode(COSIGNATURE_TYPEHASH, digest, author, signer_, deadline));
}
