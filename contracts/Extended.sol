// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title Code that goes on in another contract
/// @notice A call that names no function here is done by the extension's code, on this contract's storage.
/// @dev The extension's address is written into this code when it is made, and nobody can put another in its place.
abstract contract Extended {
    address private immutable EXTENSION;

    /// @notice There is no code at the address that should be the extension's.
    error ExtensionMissing(address extension);

    constructor(address extension) {
        if (extension.code.length == 0) revert ExtensionMissing(extension);
        EXTENSION = extension;
    }

    /// @dev What the extension answers, or reverts with, this does.
    fallback(bytes calldata call) external returns (bytes memory) {
        return Address.functionDelegateCall(EXTENSION, call);
    }
}
