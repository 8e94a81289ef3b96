// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BreakGlass, Review} from "../types/Emergency.sol";

/// @title Breaking the glass
/// @notice Emergency staff may open, for hours, what the patient's emergency preference allows at that moment: with a
/// coded reason, in public, and judged afterwards by an auditor. An opening ends by itself; while it is open it cannot
/// be prolonged, and one more within a week is flagged. What it permits is said by `decide`, for the purposes BTG and
/// ETREAT only, while the clinician is neither suspended nor without her role.
interface IEmergencies {
    /// @notice A clinician broke the glass over a patient: her opening of this number, until then. `repeated`: within a
    /// week of her opening before. `correlation`: digest of the activity's correlation id.
    event GlassBroken(
        address indexed patient,
        address indexed clinician,
        uint16 number,
        uint8 reason,
        uint40 until,
        bool repeated,
        bytes32 correlation
    );
    /// @notice An auditor judged an opening; `report` is the digest of the sealed report.
    event BreakGlassReviewed(
        address indexed patient,
        address indexed clinician,
        address indexed auditor,
        uint16 number,
        uint8 outcome,
        bytes32 report
    );

    /// @notice The reason is not on the list.
    error EmergencyReasonInvalid(uint8 reason);
    /// @notice An opening lasts between one hour and `most`.
    error HoursOutOfRange(uint8 hoursOpen, uint8 most);
    /// @notice The glass is broken by a person, over a patient who is not herself.
    error BreakGlassInvalid(address patient, address clinician);
    /// @notice It is open: it cannot be prolonged, nor is it judged before it ends.
    error BreakGlassStillOpen(address patient, address clinician, uint40 until);
    /// @notice There is no opening of this number.
    error BreakGlassUnknown(address patient, address clinician, uint16 number);
    /// @notice The opening was reviewed already.
    error BreakGlassAlreadyReviewed(address patient, address clinician, uint16 number, address auditor);
    /// @notice The outcome is not on the list.
    error ReviewOutcomeInvalid(uint8 outcome);
    /// @notice Nobody judges her own opening, or one over herself.
    error ReviewerInvolved(address auditor);

    /// @notice Emergency staff only: break the glass.
    /// @param patient over whom
    /// @param reason 1 unresponsive, 2 cannot decide, 3 life in danger, 4 delay harms
    /// @param hoursOpen 1 to 24
    /// @param correlation digest of the correlation id of the activity
    function breakGlass(address patient, uint8 reason, uint8 hoursOpen, bytes32 correlation) external;

    /// @notice Auditor only: judge an opening that has ended.
    /// @param number which of the clinician's openings over this patient, from 1
    /// @param outcome 1 justified, 2 unjustified, 3 unclear
    /// @param report digest of the sealed report
    function reviewBreakGlass(
        address patient,
        address clinician,
        uint16 number,
        uint8 outcome,
        bytes32 report
    ) external;

    /// @notice The packed word of a clinician's openings over a patient; zero if there was none.
    function breakGlassOf(address patient, address clinician) external view returns (BreakGlass);

    /// @notice The packed word of an opening's review; zero if it was not reviewed.
    function reviewOf(address patient, address clinician, uint16 number) external view returns (Review);

    /// @notice How often the people of an organization broke the glass, and how many of those openings were reviewed.
    function breakGlassTallyOf(address organization) external view returns (uint64 opened, uint64 reviewed);
}
