// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Extended} from "./Extended.sol";
import {RareCosignatures} from "./rare/RareCosignatures.sol";
import {RareEmergencies} from "./rare/RareEmergencies.sol";
import {RareQuestions} from "./rare/RareQuestions.sol";

/// @title The consent ledger's acts of care: delegates, questions, second signatures, emergencies
/// @notice Called at the ledger's address.
/// @dev Runs on the ledger's storage as `HealthLedgerExtension` does.
contract HealthLedgerCare is RareQuestions, RareCosignatures, RareEmergencies, Extended {
    /// @param decision the `HealthLedgerDecision` made for this deployment
    constructor(address decision) Extended(decision) {}
}
