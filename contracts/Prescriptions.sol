// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Records} from "./Records.sol";
import {IPrescriptions, Redemption} from "./interfaces/IPrescriptions.sol";
import {Consent} from "./types/Consent.sol";
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
import {TREAT} from "./types/Purpose.sol";
import {Subject} from "./types/Record.sol";
import {PATIENT, PHARMACIST, PRESCRIBER} from "./types/Role.sol";
import {redemptionHash} from "./types/Signing.sol";

/// @title Prescriptions that nobody can claim twice
/// @dev One word of state, under an id that commits to everything else. Every act is: who may (authority), whether the
/// state and the time allow it (guard), the change, the event with the new word.
abstract contract Prescriptions is IPrescriptions, Records {
    mapping(bytes32 id => Prescription) internal _prescriptions;
    mapping(bytes32 id => address pharmacist) private _holders;

    /// @inheritdoc IPrescriptions
    function issue(bytes32 hash, Subject subject) external {
        Participant prescriber = _requireRole(msg.sender, PRESCRIBER);
        if (subject.categories() == 0) revert SubjectInvalid(subject);
        _requireWriteConsent(subject, subject.isViaOrganization() ? prescriber.organization() : msg.sender, prescriber);
        bytes32 id = prescriptionId(msg.sender, subject, hash);
        if (_prescriptions[id].status() != Status.None) revert PrescriptionAlreadyIssued(id);

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
        bool cancelling = current.status() == Status.CancelPending;
        if (cancelling && (current.owing() == 0 || handOut.isOwed())) {
            revert PrescriptionStateUnfit(id, Status.CancelPending);
        }

        Prescription next = _handOut(id, current, opening.terms, handOut);
        if (cancelling) next = next.withStatus(Status.Cancelled);
        else if (!handOut.isOwed()) next = _closed(next, opening.terms);
        _dispensed(id, current, next, opening.subject, handOut, record);
    }

    /// @inheritdoc IPrescriptions
    function release(Opening calldata opening, uint16 fence) external {
        _requireRole(msg.sender, PHARMACIST);
        bytes32 id = idOf(opening);
        Prescription current = _requireLease(id, fence);
        bool cancelling = current.status() == Status.CancelPending;
        Prescription next = current.withStatus(cancelling ? Status.Cancelled : Status.Active).withoutLease();
        _prescriptions[id] = next;
        emit PrescriptionReleased(id, msg.sender, next);
    }

    /// @inheritdoc IPrescriptions
    function cancel(Opening calldata opening) external {
        address patient = opening.subject.patient();
        if (msg.sender == opening.prescriber) _requireRole(msg.sender, PRESCRIBER);
        else if (msg.sender == patient) _requireRole(msg.sender, PATIENT);
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
        if (current.status() != Status.CancelPending) revert PrescriptionStateUnfit(id, current.status());
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
        Prescription next = before.withLease(Status.Active, 0).withFence(current.fence() + 1);
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
        Participant pharmacist = _requireRole(msg.sender, PHARMACIST);
        address patient = opening.subject.patient();
        address organization = pharmacist.organization();
        address grantee = opening.subject.isViaOrganization() ? organization : msg.sender;
        uint16 number = opening.subject.consentNumber();
        Consent consent = _consents[_consentId(patient, grantee, bytes32(uint256(number)))];
        bool permitted =
            opening.terms.isGrantable() &&
                consent.isLiveAt(block.timestamp) &&
                consent.covers(TREAT) &&
                opening.subject.categories() & ~consent.terms().categories() == 0;
        bool denied = grantee == msg.sender && number == 0 ? consent.isDenied() : _isDeniedOne(patient, msg.sender);
        denied = denied || (organization != msg.sender && _isDeniedOne(patient, organization));
        if (!permitted || denied) revert DispenseNotPermitted(patient, msg.sender);
    }

    /// @dev State and time: may a claim be made now?
    function _requireClaimable(bytes32 id, Prescription current, PrescriptionTerms terms) private view {
        Status status = current.status();
        if (status == Status.None) revert PrescriptionUnknown(id);
        if (!terms.isWellFormed()) revert PrescriptionTermsInvalid(terms);
        if (status == Status.Claimed) {
            if (current.isLeasedAt(block.timestamp) && _holders[id] != msg.sender) {
                revert LeaseHeldByAnother(id, _holders[id], current.leaseUntil());
            }
        } else if (status != Status.Active) {
            if (status == Status.Completed) {
                revert NothingLeftToDispense(id, current.fillsUsed(), current.unitsUsed());
            }
            revert PrescriptionStateUnfit(id, status);
        }
        if (block.timestamp < terms.notBefore()) revert PrescriptionNotYetValid(id, terms.notBefore());
        if (block.timestamp >= terms.expiry()) revert PrescriptionExpired(id, terms.expiry());
        // What is owed on an open fill may be collected at any time; a new fill waits for its interval.
        if (current.owing() == 0 && current.fillsUsed() != 0) {
            uint256 nextFillAt = uint256(current.dispensedAt()) + terms.minInterval();
            if (block.timestamp < nextFillAt) revert NextFillTooSoon(id, nextFillAt);
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
        Prescription next = _handOut(id, current.withLease(Status.Active, 0), opening.terms, handOut);
        _dispensed(id, current, _closed(next, opening.terms), opening.subject, handOut, record);
    }

    function _reserve(bytes32 id, Prescription current, Opening calldata opening) private {
        _requireClaimable(id, current, opening.terms);
        uint256 until = block.timestamp + LEASE;
        if (until > opening.terms.expiry()) until = opening.terms.expiry();
        Prescription next = current.withLease(Status.Claimed, until);
        _prescriptions[id] = next;
        _holders[id] = msg.sender;
        emit PrescriptionClaimed(id, msg.sender, next);
    }

    /// @dev Bounds the units: of an open fill no more than is owed, of a new one no more than a fill and what is left.
    function _handOut(
        bytes32 id,
        Prescription current,
        PrescriptionTerms terms,
        HandOut handOut
    ) private view returns (Prescription) {
        uint24 most = current.owing();
        if (most == 0) {
            uint24 left = terms.quantity() - current.unitsUsed();
            most = left < terms.perFill() ? left : terms.perFill();
            if (most == 0 || current.fillsUsed() >= terms.fills()) {
                revert NothingLeftToDispense(id, current.fillsUsed(), current.unitsUsed());
            }
        }
        uint24 units = handOut.units();
        bool owed = handOut.isOwed();
        if (units == 0 || units > most || (owed && units == most)) revert UnitsOutOfRange(id, units, most);
        return current.withDispense(units, owed ? most - units : 0);
    }

    /// @dev Unclaimed again, and completed when no fill is open and no fill or unit is left.
    function _closed(Prescription next, PrescriptionTerms terms) private pure returns (Prescription) {
        bool done = next.owing() == 0 && (next.fillsUsed() >= terms.fills() || next.unitsUsed() >= terms.quantity());
        return next.withStatus(done ? Status.Completed : Status.Active).withoutLease();
    }

    function _dispensed(
        bytes32 id,
        Prescription before,
        Prescription next,
        Subject subject,
        HandOut handOut,
        bytes32 record
    ) private {
        if (next.status() != Status.Cancelled) next = next.withUndoTag(undoTagOf(msg.sender, before));
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
        if (current.status() != needed) revert PrescriptionStateUnfit(id, current.status());
    }

    function _known(bytes32 id) private view returns (Prescription current) {
        current = _prescriptions[id];
        if (current.status() == Status.None) revert PrescriptionUnknown(id);
    }

    function _change(bytes32 id, Prescription next) private {
        _prescriptions[id] = next;
        emit PrescriptionChanged(id, msg.sender, next);
    }
}
