// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Extended} from "./Extended.sol";
import {EverydayConsents} from "./everyday/EverydayConsents.sol";
import {EverydayParticipants} from "./everyday/EverydayParticipants.sol";
import {EverydayPrescriptions} from "./everyday/EverydayPrescriptions.sol";
import {EverydayRecords} from "./everyday/EverydayRecords.sol";
import {newParticipant} from "./types/Participant.sol";
import {CONSORTIUM, ORGANIZATION} from "./types/Role.sol";
import {domainSeparator} from "./types/Signing.sol";

/// @title The consent ledger
/// @notice Who takes part, who may read what, what was written, which prescriptions may be dispensed, and the decision
/// that follows from all of it. Immutable: a new version is a new deployment that names its predecessor.
/// @dev One ledger: one address and one storage. Its code lies in four contracts, each under the limit of EIP-170 and
/// each going on in the next: the acts of every day are functions here, and they are few, for a call is compared with
/// one function after another; then come `HealthLedgerExtension` with the other acts and the views, `HealthLedgerCare`
/// with delegates and emergencies, and `HealthLedgerDecision`, which is free to ask.
contract HealthLedger is EverydayParticipants, EverydayConsents, EverydayRecords, EverydayPrescriptions, Extended {
    bytes32 private immutable DOMAIN_SEPARATOR = domainSeparator(block.chainid, address(this));
    uint256 private immutable CHAIN_ID = block.chainid;

    /// @param consortium the address that admits organizations
    /// @param extension the `HealthLedgerExtension` made for this deployment
    constructor(address consortium, address extension) Extended(extension) {
        _participants[consortium].word = newParticipant(consortium, CONSORTIUM | ORGANIZATION);
        emit OrganizationAdmitted(consortium, CONSORTIUM | ORGANIZATION);
    }

    /// @dev Remembered, since it is asked for in every relayed act.
    function _domainSeparator() internal view override returns (bytes32) {
        // After a split of the chain each branch has an id of its own.
        return block.chainid == CHAIN_ID ? DOMAIN_SEPARATOR : super._domainSeparator();
    }
}
