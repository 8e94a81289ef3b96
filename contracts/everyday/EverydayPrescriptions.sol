// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Prescriptions} from "../Prescriptions.sol";
import {IEverydayPrescriptions, Redemption} from "../interfaces/IPrescriptions.sol";
import {MAY_WRITE_BIT} from "../types/Consent.sol";
import {
    HandOut,
    Opening,
    Prescription,
    PrescriptionEntry,
    Status,
    dispensed,
    idOf,
    prescriptionId,
    undoTagOf
} from "../types/Prescription.sol";
import {Subject} from "../types/Record.sol";
import {PRESCRIBER} from "../types/Role.sol";

/// @title Prescriptions: issuing, and dispensing at the counter
/// @dev The rules are in `Prescriptions`; reservations, cancelling, undoing and views in `RarePrescriptions`.
abstract contract EverydayPrescriptions is IEverydayPrescriptions, Prescriptions {
    /// @inheritdoc IEverydayPrescriptions
    function issue(bytes32 hash, Subject subject) external {
        if (subject.categories() == 0) revert SubjectInvalid(subject);
        if (_lackingAs(PRESCRIBER, subject, MAY_WRITE_BIT) != 0) _refuseWriting(subject);
        bytes32 id = prescriptionId(msg.sender, subject, hash);
        PrescriptionEntry storage prescription = _prescriptions[id];
        if (!prescription.word.isIn(Status.None)) revert PrescriptionAlreadyIssued(id);

        prescription.word = Prescription.wrap(uint256(Status.Active));

        emit PrescriptionIssued(id, subject.identity(), msg.sender, hash);
    }

    /// @inheritdoc IEverydayPrescriptions
    function dispensePresented(
        Opening calldata opening,
        Redemption calldata redemption,
        HandOut handOut,
        bytes32 record
    ) external {
        bytes32 id = idOf(opening);
        PrescriptionEntry storage prescription = _prescriptions[id];
        Prescription current = prescription.word;
        _requirePresented(id, current, opening, redemption);
        _claimAndDispense(id, prescription, current, opening, handOut, record);
    }

    /// @inheritdoc IEverydayPrescriptions
    function dispenseGranted(Opening calldata opening, HandOut handOut, bytes32 record) external {
        bytes32 id = idOf(opening);
        _requireGranted(opening);
        PrescriptionEntry storage prescription = _prescriptions[id];
        _claimAndDispense(id, prescription, prescription.word, opening, handOut, record);
    }

    function _claimAndDispense(
        bytes32 id,
        PrescriptionEntry storage prescription,
        Prescription current,
        Opening calldata opening,
        HandOut handOut,
        bytes32 record
    ) private {
        _requireClaimable(id, current, opening.terms);
        (uint256 filled, uint256 used, uint256 owing, bool isLast) = _handOut(id, current, opening.terms, handOut);
        uint96 tag = undoTagOf(msg.sender, current);
        Prescription next = dispensed(isLast, filled, used, owing, current.nextFence(), tag);
        _dispensed(id, prescription, next, opening.subject, handOut, record);
    }
}
