// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {AccessLog} from "./AccessLog.sol";
import {Decisions} from "./Decisions.sol";
import {Participants} from "./Participants.sol";

/// @title The consent ledger
/// @notice Who takes part, who may read what, what was written, which prescriptions may be dispensed, and the decision
/// that follows from all of it. Immutable: a new version is a new deployment that names its predecessor.
contract HealthLedger is Decisions, AccessLog {
    /// @notice The deployment that this one follows; the zero address for the first.
    address public immutable PREDECESSOR;

    /// @param consortium the address that admits organizations
    /// @param predecessor the deployment that this one follows, or the zero address
    constructor(address consortium, address predecessor) Participants(consortium) EIP712("HealthLedger", "1") {
        PREDECESSOR = predecessor;
    }
}
