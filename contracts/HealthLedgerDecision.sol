// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Decisions} from "./Decisions.sol";

/// @title The consent ledger's decision
/// @notice Called at the ledger's address.
/// @dev Reads the ledger's storage as `HealthLedgerExtension` does; at its own address it permits nobody anything.
contract HealthLedgerDecision is Decisions {}
