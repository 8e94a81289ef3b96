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
