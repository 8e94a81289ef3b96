// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessLog} from "./AccessLog.sol";
import {Care} from "./Care.sol";
import {Extended} from "./Extended.sol";
import {RareConsents} from "./rare/RareConsents.sol";
import {RareParticipants} from "./rare/RareParticipants.sol";
import {RarePrescriptions} from "./rare/RarePrescriptions.sol";
import {RareRecords} from "./rare/RareRecords.sol";
import {DOMAIN_NAME, DOMAIN_VERSION} from "./types/Signing.sol";

/// @title The consent ledger's further acts and views
/// @notice Called at the ledger's address.
/// @dev Runs on the ledger's storage, so its variables are those of `HealthLedger`, slot by slot, and may go on after
/// them; a test compares the layouts. Under a delegatecall `msg.sender` is the ledger's caller, and `EIP712` sees that it
/// runs at another address than its own and computes the ledger's domain: a signature is good at the ledger alone.
/// Called at its own address it finds nobody registered, and so refuses every act.
contract HealthLedgerExtension is
    RareParticipants,
    RareConsents,
    RareRecords,
    RarePrescriptions,
    Care,
    AccessLog,
    Extended
{
    /// @notice The deployment that the ledger follows; the zero address for the first.
    address public immutable PREDECESSOR;

    /// @param predecessor the deployment that the ledger follows, or the zero address
    /// @param care the `HealthLedgerCare` made for this deployment
    constructor(address predecessor, address care) Extended(care) {
        PREDECESSOR = predecessor;
    }

    /// @notice What signatures are good for (ERC-5267): name, version, chain and address.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (hex"0f", DOMAIN_NAME, DOMAIN_VERSION, block.chainid, address(this), 0, new uint256[](0));
    }
}
