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
    PrescriptionTerms,
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
    function issue(Subject subject, bytes32 hash) external {
        if (subject.categories() == 0) revert SubjectInvalid(subject);
        if (_lackingAs(PRESCRIBER, subject, MAY_WRITE_BIT) != 0) _refuseWriting(subject);
        bytes32 id = prescriptionId(msg.sender, subject, hash);
        PrescriptionEntry storage prescription = _prescriptions[id];
        if (!prescription.word.isIn(Status.None)) revert PrescriptionAlreadyIssued(id);

        prescription.word = Prescription.wrap(uint256(Status.Active));

        emit PrescriptionIssued(msg.sender, subject.identity(), hash);
    }

    /// @inheritdoc IEverydayPrescriptions
    function dispensePresented(
        Opening calldata opening,
        bytes32[] calldata path,
        Redemption calldata redemption,
        HandOut handOut,
        bytes32 record
    ) external {
        bytes32 id = idOf(opening);
        PrescriptionEntry storage prescription = _prescriptions[id];
        Prescription current = prescription.word;
        _requirePresented(id, current, opening, path, redemption);
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
        PrescriptionTerms terms = opening.terms;
        uint256 filled;
        uint256 used;
        uint256 most;
        uint16 fence;
        if (current.isUnclaimedYet()) {
            _requireWellFormed(terms);
            (filled, most, fence) = (1, terms.perFill(), 1);
        } else {
            _requireRefillable(id, current, terms);
            (filled, used, most) = _fillOf(id, current, terms);
            fence = current.nextFence();
        }
        _requireInTime(id, terms);
        (uint256 units, uint256 owing) = _requireWithin(id, most, handOut);
        unchecked {
            used += units;
        }
        uint96 tag = undoTagOf(msg.sender, current);
        Prescription next = dispensed(terms.isLast(filled, used, owing), filled, used, owing, fence, tag);
        _dispensed(id, prescription, next, opening.subject, handOut, record);
    }
}
