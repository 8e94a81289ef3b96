// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Records} from "./Records.sol";
import {IPrescriptions, Redemption} from "./interfaces/IPrescriptions.sol";
import {TREATMENT_BIT} from "./types/Consent.sol";
import {Participant} from "./types/Participant.sol";
import {
    HandOut,
    LEASE,
    Opening,
    Prescription,
    PrescriptionTerms,
    Status,
    UNDO_WINDOW,
    fillKeyLeaf,
    idOf,
    prescriptionId,
    undoTagOf
} from "./types/Prescription.sol";
import {Subject} from "./types/Record.sol";
import {PHARMACIST, PRESCRIBER} from "./types/Role.sol";
import {redemptionHash} from "./types/Signing.sol";

/// @title Prescriptions that nobody can claim twice
/// @dev One word of state, under an id that commits to everything else. Every act is: who may (authority), whether the
/// state and the time allow it (guard), the change, the event with the new word.
abstract contract Prescriptions is IPrescriptions, Records {
    mapping(bytes32 id => Prescription) internal _prescriptions;
    mapping(bytes32 id => address pharmacist) private _holders;

    /// @inheritdoc IPrescriptions
    function issue(bytes32 hash, Subject subject) external {
        address organization = _requireRole(msg.sender, PRESCRIBER).organization();
        if (subject.categories() == 0) revert SubjectInvalid(subject);
        _requireWriteConsent(subject, subject.isViaOrganization() ? organization : msg.sender, organization);
        bytes32 id = prescriptionId(msg.sender, subject, hash);
        if (!_prescriptions[id].isIn(Status.None)) revert PrescriptionAlreadyIssued(id);

        _prescriptions[id] = Prescription.wrap(uint256(Status.Active));

        emit PrescriptionIssued(id, subject.identity(), msg.sender, hash);
    }

    /// @inheritdoc IPrescriptions
    function dispensePresented(
        Opening calldata opening,
        Redemption calldata redemption,
        HandOut handOut,
        bytes32 record
    ) external {
        bytes32 id = idOf(opening);
        Prescription current = _prescriptions[id];
        _requirePresented(id, current, opening, redemption);
        _claimAndDispense(id, current, opening, handOut, record);
    }

    /// @inheritdoc IPrescriptions
    function dispenseGranted(Opening calldata opening, HandOut handOut, bytes32 record) external {
        bytes32 id = idOf(opening);
        _requireGranted(opening);
        _claimAndDispense(id, _prescriptions[id], opening, handOut, record);
    }

    /// @inheritdoc IPrescriptions
    function reservePresented(Opening calldata opening, Redemption calldata redemption) external {
        bytes32 id = idOf(opening);
        Prescription current = _prescriptions[id];
        _requirePresented(id, current, opening, redemption);
        _reserve(id, current, opening);
    }

    /// @inheritdoc IPrescriptions
    function reserveGranted(Opening calldata opening) external {
        bytes32 id = idOf(opening);
        _requireGranted(opening);
        _reserve(id, _prescriptions[id], opening);
    }

    /// @inheritdoc IPrescriptions
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

        (Prescription next, Status status) = _handOut(id, current, opening.terms, handOut);
        if (cancelling) next = next.withStatus(Status.Cancelled);
        else if (!handOut.isOwed()) next = next.unclaimed(status);
        _dispensed(id, current, next, opening.subject, handOut, record);
    }

    /// @inheritdoc IPrescriptions
    function release(Opening calldata opening, uint16 fence) external {
        _requireRole(msg.sender, PHARMACIST);
        bytes32 id = idOf(opening);
        Prescription current = _requireLease(id, fence);
        bool cancelling = current.isIn(Status.CancelPending);
        Prescription next = current.unclaimed(cancelling ? Status.Cancelled : Status.Active);
        _prescriptions[id] = next;
        emit PrescriptionReleased(id, msg.sender, next);
    }

    /// @inheritdoc IPrescriptions
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

    /// @inheritdoc IPrescriptions
    function void(Opening calldata opening) external {
        (bytes32 id, Prescription current) = _requirePrescriber(opening, Status.Active);
        if (current.fillsUsed() != 0) revert PrescriptionStateUnfit(id, Status.Active);
        _change(id, current.withStatus(Status.Voided));
    }

    /// @inheritdoc IPrescriptions
    function setPause(Opening calldata opening, bool paused) external {
        (Status from, Status to) = paused ? (Status.Active, Status.Suspended) : (Status.Suspended, Status.Active);
        (bytes32 id, Prescription current) = _requirePrescriber(opening, from);
        _change(id, current.withStatus(to));
    }

    /// @inheritdoc IPrescriptions
    function settle(bytes32 id) external {
        Prescription current = _known(id);
        if (!current.isIn(Status.CancelPending)) revert PrescriptionStateUnfit(id, current.status());
        if (current.isLeasedAt(block.timestamp)) revert LeaseHeldByAnother(id, _holders[id], current.leaseUntil());
        _change(id, current.withStatus(Status.Cancelled));
    }

    /// @inheritdoc IPrescriptions
    function undo(Opening calldata opening, Prescription before) external {
        _requireRole(msg.sender, PHARMACIST);
        bytes32 id = idOf(opening);
        Prescription current = _known(id);
        bool mine = current.undoTag() != 0 && current.undoTag() == undoTagOf(msg.sender, before);
        if (!mine || block.timestamp > current.dispensedAt() + UNDO_WINDOW) revert UndoNotPossible(id);

        // As before, but unclaimed and under a new number: whatever was signed for the old one stays used.
        Prescription next = before.unclaimed(Status.Active).withFence(current.fence()).withNextFence();
        _prescriptions[id] = next;
        emit DispenseUndone(id, msg.sender, next);
    }

    /// @inheritdoc IPrescriptions
    function prescriptionOf(bytes32 id) external view returns (Prescription) {
        return _prescriptions[id];
    }

    /// @inheritdoc IPrescriptions
    function holderOf(bytes32 id) external view returns (address) {
        return _holders[id];
    }

    /// @dev The number of the fill that a claim made now would be for: the open one, else the next.
    function _claimableFill(Prescription current) internal pure returns (uint8) {
        return current.owing() == 0 ? current.fillsUsed() : current.fillsUsed() - 1;
    }

    /// @dev Authority of the presented fill key, for this caller and the next fence only.
    function _requirePresented(
        bytes32 id,
        Prescription current,
        Opening calldata opening,
        Redemption calldata redemption
    ) private view {
        Participant pharmacist = _requireRole(msg.sender, PHARMACIST);
        if (_isDenied(opening.subject.patient(), msg.sender, pharmacist)) {
            revert DispenseNotPermitted(opening.subject.patient(), msg.sender);
        }
        if (block.timestamp > redemption.deadline) revert DeadlinePassed(redemption.deadline);
        uint8 fill = _claimableFill(current);
        bytes32 hash = redemptionHash(id, fill, msg.sender, current.fence() + 1, redemption.deadline);
        address key = ECDSA.recover(_hashTypedDataV4(hash), redemption.r, redemption.vs);
        if (!MerkleProof.verifyCalldata(redemption.path, opening.fillKeys, fillKeyLeaf(fill, key))) {
            revert FillKeyInvalid(id, fill, key);
        }
    }

    /// @dev Authority of the patient's consent and the prescriber's, both at once.
    function _requireGranted(Opening calldata opening) private view {
        address organization = _requireRole(msg.sender, PHARMACIST).organization();
        Subject subject = opening.subject;
        bool permitted =
            opening.terms.isGrantable() &&
                _isPermitted(
                    subject,
                    subject.isViaOrganization() ? organization : msg.sender,
                    organization,
                    subject.categories() | TREATMENT_BIT
                );
        if (!permitted) revert DispenseNotPermitted(subject.patient(), msg.sender);
    }

    /// @dev State and time: may a claim be made now?
    function _requireClaimable(bytes32 id, Prescription current, PrescriptionTerms terms) private view {
        if (!current.isIn(Status.Active)) _requireLapsedOrOwn(id, current);
        // Hidden until the first claim, the terms are checked by it, once for all.
        if (current.fence() == 0 && !terms.isWellFormed()) revert PrescriptionTermsInvalid(terms);
        if (block.timestamp < terms.notBefore()) revert PrescriptionNotYetValid(id, terms.notBefore());
        if (block.timestamp >= terms.expiry()) revert PrescriptionExpired(id, terms.expiry());
        // What is owed on an open fill may be collected at any time; a new fill waits for its interval.
        if (current.owing() == 0 && current.fillsUsed() != 0) {
            uint256 nextFillAt = uint256(current.dispensedAt()) + terms.minInterval();
            if (block.timestamp < nextFillAt) revert NextFillTooSoon(id, nextFillAt);
        }
    }

    /// @dev Reverts unless the prescription is claimed, and by the caller or under a lease that has passed.
    function _requireLapsedOrOwn(bytes32 id, Prescription current) private view {
        Status status = current.status();
        if (status == Status.None) revert PrescriptionUnknown(id);
        if (status == Status.Completed) revert NothingLeftToDispense(id, current.fillsUsed(), current.unitsUsed());
        if (status != Status.Claimed) revert PrescriptionStateUnfit(id, status);
        if (current.isLeasedAt(block.timestamp) && _holders[id] != msg.sender) {
            revert LeaseHeldByAnother(id, _holders[id], current.leaseUntil());
        }
    }

    function _claimAndDispense(
        bytes32 id,
        Prescription current,
        Opening calldata opening,
        HandOut handOut,
        bytes32 record
    ) private {
        _requireClaimable(id, current, opening.terms);
        (Prescription next, Status status) = _handOut(id, current, opening.terms, handOut);
        _dispensed(id, current, next.unclaimed(status).withNextFence(), opening.subject, handOut, record);
    }

    function _reserve(bytes32 id, Prescription current, Opening calldata opening) private {
        _requireClaimable(id, current, opening.terms);
        uint256 until = block.timestamp + LEASE;
        if (until > opening.terms.expiry()) until = opening.terms.expiry();
        Prescription next = current.withLease(until);
        _prescriptions[id] = next;
        _holders[id] = msg.sender;
        emit PrescriptionClaimed(id, msg.sender, next);
    }

    /// @dev Bounds the units: of an open fill no more than is owed, of a new one no more than a fill and what is left.
    /// @return next the word after it, still claimed
    /// @return status what it is once unclaimed: completed when no fill is open and no fill or unit is left
    function _handOut(
        bytes32 id,
        Prescription current,
        PrescriptionTerms terms,
        HandOut handOut
    ) private view returns (Prescription next, Status status) {
        (uint256 filled, uint256 used, uint256 most) = (current.fillsUsed(), current.unitsUsed(), current.owing());
        if (most == 0) {
            most = terms.quantity() - used;
            if (most > terms.perFill()) most = terms.perFill();
            if (most == 0 || filled >= terms.fills()) revert NothingLeftToDispense(id, uint8(filled), uint24(used));
            // A fill counts when it is opened; what is owed on it is part of it.
            filled += 1;
        }
        uint256 units = handOut.units();
        bool owed = handOut.isOwed();
        if (units == 0 || units > most || (owed && units == most)) {
            revert UnitsOutOfRange(id, uint24(units), uint24(most));
        }
        uint256 owing = owed ? most - units : 0;
        used += units;
        next = current.withDispense(filled, used, owing);
        bool done = owing == 0 && (filled >= terms.fills() || used >= terms.quantity());
        status = done ? Status.Completed : Status.Active;
    }

    function _dispensed(
        bytes32 id,
        Prescription before,
        Prescription next,
        Subject subject,
        HandOut handOut,
        bytes32 record
    ) private {
        if (!next.isIn(Status.Cancelled)) next = next.withUndoTag(undoTagOf(msg.sender, before));
        _prescriptions[id] = next;
        emit PrescriptionDispensed(id, msg.sender, next, record);
        if (handOut.isAnchored()) _anchor(record, subject);
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
        current = _prescriptions[id];
        if (current.isIn(Status.None)) revert PrescriptionUnknown(id);
    }

    function _change(bytes32 id, Prescription next) private {
        _prescriptions[id] = next;
        emit PrescriptionChanged(id, msg.sender, next);
    }
}
