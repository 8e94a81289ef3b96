// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Care} from "../Care.sol";
import {IEmergencies} from "../interfaces/IEmergencies.sol";
import {
    BreakGlass,
    DELAY_HARMS,
    JUSTIFIED,
    MOST_HOURS,
    Review,
    UNCLEAR,
    UNRESPONSIVE,
    newReview,
    openingId
} from "../types/Emergency.sol";
import {Participant} from "../types/Participant.sol";
import {AUDITOR, EMERGENCY, PATIENT} from "../types/Role.sol";

/// @title Breaking the glass
/// @dev One word for a clinician and a patient, one more for each review. What an opening permits is said in `Decisions`.
abstract contract RareEmergencies is IEmergencies, Care {
    /// @inheritdoc IEmergencies
    function breakGlass(address patient, uint8 reason, uint8 hoursOpen, bytes32 correlation) external {
        Participant clinician = _requireRole(msg.sender, EMERGENCY);
        if (!clinician.isPerson() || patient == msg.sender) revert BreakGlassInvalid(patient, msg.sender);
        if (_participants[patient].word.roles() & PATIENT == 0) revert RoleMissing(patient, PATIENT);
        if (reason < UNRESPONSIVE || reason > DELAY_HARMS) revert EmergencyReasonInvalid(reason);
        if (hoursOpen == 0 || hoursOpen > MOST_HOURS) revert HoursOutOfRange(hoursOpen, MOST_HOURS);
        BreakGlass current = _brokenGlass[patient][msg.sender];
        _requireOver(patient, msg.sender, current);

        BreakGlass next = current.reopened(reason, hoursOpen);
        _brokenGlass[patient][msg.sender] = next;
        _tallies[clinician.organization()].opened++;

        emit GlassBroken(patient, msg.sender, next.count(), reason, next.until(), next.isRepeated(), correlation);
    }

    /// @inheritdoc IEmergencies
    function reviewBreakGlass(
        address patient,
        address clinician,
        uint16 number,
        uint8 outcome,
        bytes32 report
    ) external {
        _requireRole(msg.sender, AUDITOR);
        if (msg.sender == patient || msg.sender == clinician) revert ReviewerInvolved(msg.sender);
        if (outcome < JUSTIFIED || outcome > UNCLEAR) revert ReviewOutcomeInvalid(outcome);
        BreakGlass current = _brokenGlass[patient][clinician];
        if (number == 0 || number > current.count()) revert BreakGlassUnknown(patient, clinician, number);
        if (number == current.count()) _requireOver(patient, clinician, current);
        bytes32 id = openingId(patient, clinician, number);
        Review made = _reviews[id];
        if (made.isMade()) revert BreakGlassAlreadyReviewed(patient, clinician, number, made.auditor());

        _reviews[id] = newReview(msg.sender, outcome);
        _brokenGlass[patient][clinician] = current.withReview();
        _tallies[_participants[clinician].word.organization()].reviewed++;

        emit BreakGlassReviewed(patient, clinician, msg.sender, number, outcome, report);
    }

    /// @inheritdoc IEmergencies
    function breakGlassOf(address patient, address clinician) external view returns (BreakGlass) {
        return _brokenGlass[patient][clinician];
    }

    /// @inheritdoc IEmergencies
    function reviewOf(address patient, address clinician, uint16 number) external view returns (Review) {
        return _reviews[openingId(patient, clinician, number)];
    }

    /// @inheritdoc IEmergencies
    function breakGlassTallyOf(address organization) external view returns (uint64 opened, uint64 reviewed) {
        Tally memory tally = _tallies[organization];
        return (tally.opened, tally.reviewed);
    }

    function _requireOver(address patient, address clinician, BreakGlass current) private view {
        if (current.isOpenAt(block.timestamp)) revert BreakGlassStillOpen(patient, clinician, current.until());
    }
}
