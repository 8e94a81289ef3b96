// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Records} from "./Records.sol";
import {IPrescriptions, Redemption} from "./interfaces/IPrescriptions.sol";
import {TREATMENT_BIT} from "./types/Consent.sol";
import {
    HandOut,
    Opening,
    Prescription,
    PrescriptionEntry,
    PrescriptionTerms,
    Status,
    fillKeyLeaf,
    hiddenOf
} from "./types/Prescription.sol";
import {Subject} from "./types/Record.sol";
import {PHARMACIST} from "./types/Role.sol";
import {redemptionHash, signerOf} from "./types/Signing.sol";

/// @title Prescriptions that nobody can claim twice
/// @dev One word of state, under an id that commits to everything else. Every act is: who may (authority), whether the
/// state and the time allow it (guard), the change, the event with the new word.
abstract contract Prescriptions is IPrescriptions, Records {
    mapping(bytes32 id => PrescriptionEntry) internal _prescriptions;
    mapping(bytes32 id => address pharmacist) internal _holders;

    /// @dev The number of the fill that a claim made now would be for: the open one, else the next.
    function _claimableFill(Prescription current) internal pure returns (uint8) {
        return current.owing() == 0 ? current.fillsUsed() : current.fillsUsed() - 1;
    }

    /// @dev Authority of the presented fill key, for this caller and the next fence only.
    function _requirePresented(
        bytes32 id,
        Prescription current,
        Opening calldata opening,
        bytes32[] calldata path,
        Redemption calldata redemption
    ) internal view {
        address organization = _requireRole(msg.sender, PHARMACIST).organization();
        address patient = opening.subject.patient();
        if (_denial(patient, msg.sender, organization) != 0) revert DispenseNotPermitted(patient, msg.sender);
        uint40 deadline = redemption.deadline;
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        uint8 fill = _claimableFill(current);
        bytes32 hash = redemptionHash(id, fill, msg.sender, current.nextFence(), deadline);
        address key = signerOf(_typedDataHash(hash), redemption.r, redemption.vs);
        bytes32 fillKeys = MerkleProof.processProofCalldata(path, fillKeyLeaf(fill, key));
        if (hiddenOf(redemption.digest, fillKeys) != opening.hidden) revert FillKeyInvalid(id, fill, key);
    }

    /// @dev Authority of the patient's consent and the prescriber's, both at once.
    function _requireGranted(Opening calldata opening) internal view {
        Subject subject = opening.subject;
        if (_lackingAs(PHARMACIST, subject, TREATMENT_BIT) | opening.terms.lackingAgreement() != 0) {
            revert DispenseNotPermitted(subject.patient(), msg.sender);
        }
    }

    /// @dev State and time: may a claim be made now?
    function _requireClaimable(bytes32 id, Prescription current, PrescriptionTerms terms) internal view {
        if (current.isUnclaimedYet()) _requireWellFormed(terms);
        else _requireRefillable(id, current, terms);
        _requireInTime(id, terms);
    }

    /// @dev Hidden until the first claim, the terms are checked by it, once for all.
    function _requireWellFormed(PrescriptionTerms terms) internal pure {
        if (!terms.isWellFormed()) revert PrescriptionTermsInvalid(terms);
    }

    /// @dev What is owed on an open fill may be collected at any time; a new fill waits for its interval.
    function _requireRefillable(bytes32 id, Prescription current, PrescriptionTerms terms) internal view {
        if (!current.isIn(Status.Active)) _requireLapsedOrOwn(id, current);
        if (current.fillsUsed() != 0) {
            uint256 nextFillAt;
            // Of 40 and 32 bits.
            unchecked {
                nextFillAt = uint256(current.dispensedAt()) + terms.minInterval();
            }
            if (block.timestamp < nextFillAt && current.owing() == 0) revert NextFillTooSoon(id, nextFillAt);
        }
    }

    function _requireInTime(bytes32 id, PrescriptionTerms terms) internal view {
        if (block.timestamp < terms.notBefore()) revert PrescriptionNotYetValid(id, terms.notBefore());
        if (block.timestamp >= terms.expiry()) revert PrescriptionExpired(id, terms.expiry());
    }

    /// @dev Reverts unless the prescription is claimed, and by the caller or under a lease that has passed.
    function _requireLapsedOrOwn(bytes32 id, Prescription current) internal view {
        Status status = current.status();
        if (status == Status.None) revert PrescriptionUnknown(id);
        if (status == Status.Completed) revert NothingLeftToDispense(id, current.fillsUsed(), current.unitsUsed());
        if (status != Status.Claimed) revert PrescriptionStateUnfit(id, status);
        if (current.isLeasedAt(block.timestamp) && _holders[id] != msg.sender) {
            revert LeaseHeldByAnother(id, _holders[id], current.leaseUntil());
        }
    }

    /// @dev The fill that units are handed out of: the open one, else the next.
    /// @return filled fills opened so far, this one included
    /// @return used units handed out before
    /// @return most units that this fill may still have
    function _fillOf(
        bytes32 id,
        Prescription current,
        PrescriptionTerms terms
    ) internal pure returns (uint256 filled, uint256 used, uint256 most) {
        filled = current.fillsUsed();
        used = current.unitsUsed();
        most = current.owing();
        // Used and owed units together never exceed the quantity, which is the same at every call under this id.
        unchecked {
            if (most == 0) {
                if (filled >= terms.fills()) revert NothingLeftToDispense(id, uint8(filled), uint24(used));
                most = terms.quantity() - used;
                if (most > terms.perFill()) most = terms.perFill();
                // A fill counts when it is opened; what is owed on it is part of it.
                filled += 1;
            }
        }
    }

    /// @dev A unit or more, no more than `most`; and if the rest is to be owed, there is one.
    /// @return units handed out
    /// @return owing units of `most` that are owed now
    function _requireWithin(
        bytes32 id,
        uint256 most,
        HandOut handOut
    ) internal pure returns (uint256 units, uint256 owing) {
        units = handOut.units();
        unchecked {
            // One branch for both bounds: one less than no unit is more than any number of them.
            if (units - 1 >= most) revert UnitsOutOfRange(id, uint24(units), uint24(most));
            if (handOut.isOwed()) {
                owing = most - units;
                if (owing == 0) revert UnitsOutOfRange(id, uint24(units), uint24(most));
            }
        }
    }

    /// @dev What every hand-out ends with: the new word, the event, and the record, if it is to be anchored now.
    function _dispensed(
        bytes32 id,
        PrescriptionEntry storage prescription,
        Prescription next,
        Subject subject,
        HandOut handOut,
        bytes32 record
    ) internal {
        prescription.word = next;
        emit PrescriptionDispensed(id, msg.sender, next, record);
        if (handOut.isAnchored()) _anchor(record, subject);
    }
}
