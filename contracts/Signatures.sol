// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {domainSeparator} from "./types/Signing.sol";

/// @title What is signed, is signed for this ledger
/// @dev EIP-712. The domain is that of the address whose storage the code runs on: the ledger's, in each of its contracts.
abstract contract Signatures {
    /// @dev Worked out anew; the ledger itself remembers its own.
    function _domainSeparator() internal view virtual returns (bytes32) {
        return domainSeparator(block.chainid, address(this));
    }

    function _typedDataHash(bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(_domainSeparator(), structHash);
    }
}
