// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// `abi.encode` sets memory aside for good and takes 100 gas and more; these write where nothing is in use. OpenZeppelin's
// `Hashes` does the same for two words. It is all the assembly that there is.

/// @notice keccak256(abi.encode(a)).
function hashOfOne(bytes32 a) pure returns (bytes32 hash) {
    // solhint-disable-next-line no-inline-assembly
    assembly ("memory-safe") {
        mstore(0, a)
        hash := keccak256(0, 0x20)
    }
}

/// @notice keccak256(abi.encode(a, b, c)).
function hashOfThree(bytes32 a, bytes32 b, bytes32 c) pure returns (bytes32 hash) {
    // solhint-disable-next-line no-inline-assembly
    assembly ("memory-safe") {
        let free := mload(0x40)
        mstore(free, a)
        mstore(add(free, 0x20), b)
        mstore(add(free, 0x40), c)
        hash := keccak256(free, 0x60)
    }
}

/// @notice keccak256(abi.encode(a, b, c, d, e, f, g, h, i, j)).
function hashOfTen(
    bytes32 a,
    uint256 b,
    bytes32 c,
    uint256 d,
    uint256 e,
    uint256 f,
    uint256 g,
    uint256 h,
    bytes32 i,
    uint256 j
) pure returns (bytes32 hash) {
    // solhint-disable-next-line no-inline-assembly
    assembly ("memory-safe") {
        let free := mload(0x40)
        mstore(free, a)
        mstore(add(free, 0x20), b)
        mstore(add(free, 0x40), c)
        mstore(add(free, 0x60), d)
        mstore(add(free, 0x80), e)
        mstore(add(free, 0xa0), f)
        mstore(add(free, 0xc0), g)
        mstore(add(free, 0xe0), h)
        mstore(add(free, 0x100), i)
        mstore(add(free, 0x120), j)
        hash := keccak256(free, 0x140)
    }
}
