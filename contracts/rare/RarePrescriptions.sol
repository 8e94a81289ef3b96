// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Prescriptions} from "../Prescriptions.sol";
import {IRarePrescriptions, Redemption} from "../interfaces/IPrescriptions.sol";
import {HandOut, LEASE, Opening, Prescription, Status, UNDO_WINDOW, idOf, undoTagOf} from "../types/Prescription.sol";
import {PHARMACIST, PRESCRIBER} from "../types/Role.sol";

/// @title Prescriptions: reservations, cancelling, pausing, undoing
/// @dev The rules are in `Prescriptions`.
abstract contract RarePrescriptions is IRarePrescriptions, Prescriptions {
    /// @inheritdoc IRarePrescriptions
    function reservePresented(
        Opening calldata opening,
        bytes32[] calldata path,
        Redemption calldata redemption
    ) external {
        bytes32 id = idOf(opening);
        Prescription current = _prescriptions[id].word;
        _requirePresented(id, current, opening, path, redemption);
        _reserve(id, current, opening);
    }

    /// @inheritdoc IRarePrescriptions
    function reserveGranted(Opening calldata opening) external {
        bytes32 id = idOf(opening);
        _requireGranted(opening);
        _reserve(id, _prescriptions[id].word, opening);
    }

    /// @inheritdoc IRarePrescriptions
    function dispenseReserved(Opening calldata opening, uint16 fence, HandOut handOut, bytes32 record) external {
        _requireRole(msg.sender, PHARMACIST);
        bytes32 id = idOf(opening);
        Prescription current = _requireLease(id, fence);
        if (block.timestamp >= opening.terms.expiry()) revert PrescriptionExpired(id, opening.terms.expiry());
        // A pending cancellation lets an open fill be finished, and nothing new be started.
        bool cancelling = current.isIn(Status.CancelPending);
        if (cancelling && (current.owing() == 0 || handOut.isOwed())) {
            revert PrescriptionStateUnfit(id, Status.CancelPending);
        }

        (uint256 filled, uint256 used, uint256 most) = _fillOf(id, current, opening.terms);
        (uint256 units, uint256 owing) = _requireWithin(id, most, handOut);
        used += units;
        bool isLast = opening.terms.isLast(filled, used, owing);
        Prescription next = current.withDispense(filled, used, owing);
        if (cancelling) next = next.withStatus(Status.Cancelled);
        else if (!handOut.isOwed()) next = next.unclaimed(isLast ? Status.Completed : Status.Active);
        if (!cancelling) next = next.withUndoTag(undoTagOf(msg.sender, current));
        _dispensed(id, _prescriptions[id], next, opening.subject, handOut, record);
    }

    /// @inheritdoc IRarePrescriptions
    function release(Opening calldata opening, uint16 fence) external {
        _requireRole(msg.sender, PHARMACIST);
        bytes32 id = idOf(opening);
        Prescription current = _requireLease(id, fence);
        bool cancelling = current.isIn(Status.CancelPending);
        Prescription next = current.unclaimed(cancelling ? Status.Cancelled : Status.Active);
        _prescriptions[id].word = next;
        emit PrescriptionReleased(id, msg.sender, next);
    }

    /// @inheritdoc IRarePrescriptions
    function cancel(Opening calldata opening) external {
        address patient = opening.subject.patient();
        if (msg.sender == opening.prescriber) _requireRole(msg.sender, PRESCRIBER);
        else if (msg.sender == patient) _requirePatient(msg.sender);
        else revert NeitherPrescriberNorPatient(msg.sender);
        bytes32 id = idOf(opening);
        Prescription current = _known(id);
        Status status = current.status();
        if (status != Status.Active && status != Status.Suspended && status != Status.Claimed) {
            revert PrescriptionStateUnfit(id, status);
        }
        bool held = status == Status.Claimed && current.isLeasedAt(block.timestamp);
        _change(id, current.withStatus(held ? Status.CancelPending : Status.Cancelled));
    }

    /// @inheritdoc IRarePrescriptions
    function void(Opening calldata opening) external {
        (bytes32 id, Prescription current) = _requirePrescriber(opening, Status.Active);
        if (current.fillsUsed() != 0) revert PrescriptionStateUnfit(id, Status.Active);
        _change(id, current.withStatus(Status.Voided));
    }

    /// @inheritdoc IRarePrescriptions
    function setPause(Opening calldata opening, bool paused) external {
        (Status from, Status to) = paused ? (Status.Active, Status.Suspended) : (Status.Suspended, Status.Active);
        (bytes32 id, Prescription current) = _requirePrescriber(opening, from);
        _change(id, current.withStatus(to));
    }

    /// @inheritdoc IRarePrescriptions
    function settle(bytes32 id) external {
        Prescription current = _known(id);
        if (!current.isIn(Status.CancelPending)) revert PrescriptionStateUnfit(id, current.status());
        if (current.isLeasedAt(block.timestamp)) revert LeaseHeldByAnother(id, _holders[id], current.leaseUntil());
        _change(id, current.withStatus(Status.Cancelled));
    }

    /// @inheritdoc IRarePrescriptions
    function undo(Opening calldata opening, Prescription before) external {
        _requireRole(msg.sender, PHARMACIST);
        bytes32 id = idOf(opening);
        Prescription current = _known(id);
        bool mine = current.undoTag() != 0 && current.undoTag() == undoTagOf(msg.sender, before);
        if (!mine || block.timestamp > current.dispensedAt() + UNDO_WINDOW) revert UndoNotPossible(id);

        // As before, but unclaimed and under a new number: whatever was signed for the old one stays used.
        Prescription next = before.unclaimed(Status.Active).withFence(current.fence()).withNextFence();
        _prescriptions[id].word = next;
        emit DispenseUndone(id, msg.sender, next);
    }

    /// @inheritdoc IRarePrescriptions
    function prescriptionOf(bytes32 id) external view returns (Prescription) {
        return _prescriptions[id].word;
    }

    /// @inheritdoc IRarePrescriptions
    function holderOf(bytes32 id) external view returns (address) {
        return _holders[id];
    }

    function _reserve(bytes32 id, Prescription current, Opening calldata opening) private {
        _requireClaimable(id, current, opening.terms);
        uint256 until = block.timestamp + LEASE;
        if (until > opening.terms.expiry()) until = opening.terms.expiry();
        Prescription next = current.withLease(until);
        _prescriptions[id].word = next;
        _holders[id] = msg.sender;
        emit PrescriptionClaimed(id, msg.sender, next);
    }

    function _requireLease(bytes32 id, uint16 fence) private view returns (Prescription current) {
        current = _known(id);
        Status status = current.status();
        if (status != Status.Claimed && status != Status.CancelPending) revert PrescriptionStateUnfit(id, status);
        bool lost = current.fence() != fence || _holders[id] != msg.sender || !current.isLeasedAt(block.timestamp);
        if (lost) revert LeaseLost(id, fence, current.fence());
    }

    function _requirePrescriber(
        Opening calldata opening,
        Status needed
    ) private view returns (bytes32 id, Prescription current) {
        if (msg.sender != opening.prescriber) revert NotThePrescriber(msg.sender, opening.prescriber);
        _requireRole(msg.sender, PRESCRIBER);
        id = idOf(opening);
        current = _known(id);
        if (!current.isIn(needed)) revert PrescriptionStateUnfit(id, current.status());
    }

    function _known(bytes32 id) private view returns (Prescription current) {
        current = _prescriptions[id].word;
        if (current.isIn(Status.None)) revert PrescriptionUnknown(id);
    }

    function _change(bytes32 id, Prescription next) private {
        _prescriptions[id].word = next;
        emit PrescriptionChanged(id, msg.sender, next);
    }
}
