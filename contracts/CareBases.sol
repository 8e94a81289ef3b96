// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Care} from "./Care.sol";
import {AccessRequest, Basis, BasisKind, Reason} from "./types/Decision.sol";
import {DELEGATE_PURPOSES, Delegation, POWER_ACCEPT, POWER_READ, delegationId} from "./types/Delegation.sol";
import {BreakGlass, EMERGENCY_PURPOSES, openingId} from "./types/Emergency.sol";
import {Participant} from "./types/Participant.sol";
import {purposesCovering} from "./types/Purpose.sol";
import {EMERGENCY} from "./types/Role.sol";

/// @title What a delegation and a broken glass are worth in a decision
/// @dev Both are offered by the reader herself and looked up under her address, so that neither can be lent.
abstract contract CareBases is Care {
    /// @dev What the offered bases add up to.
    struct Coverage {
        uint16 categories;
        uint40 until;
        BasisKind basis;
        bytes32 basisId;
        Reason reason;
        /// what a broken glass opens beside it, until when
        uint16 opened;
        uint40 openUntil;
        bytes32 openingId;
        /// why nothing ordinary counts; `NoBasis`: it does
        Reason bar;
    }

    /// @dev A delegate reads as one; what waits for the patient's answer, only if he may answer for her.
    function _weighDelegation(
        Coverage memory coverage,
        AccessRequest calldata request,
        Basis calldata basis,
        uint256 time
    ) internal view {
        address patient = request.subject.patient();
        Delegation delegation = _delegations[patient][request.reader];
        if (basis.grantee != request.reader || delegation.since() == 0) return;
        uint16 covered = delegation.categories() & request.subject.categories();
        uint8 needed = coverage.bar == Reason.NotYetAccepted ? POWER_READ | POWER_ACCEPT : POWER_READ;
        Reason reason = Reason.Permitted;
        if (!delegation.isLiveAt(time)) reason = Reason.DelegationOver;
        else if (delegation.powers() & needed != needed) reason = Reason.NoBasis;
        else if (purposesCovering(request.purpose) & DELEGATE_PURPOSES == 0) reason = Reason.PurposeNotCovered;
        else if (covered == 0) reason = Reason.CategoryNotCovered;
        if (reason != Reason.Permitted) {
            coverage.reason = _more(coverage.reason, reason);
            return;
        }
        bytes32 id = delegationId(patient, request.reader);
        _add(coverage, covered, delegation.until(), BasisKind.Delegation, id);
    }

    /// @dev Emergency staff read, while their glass is broken, what the patient's preference allows at this moment.
    function _weighBreakGlass(
        Coverage memory coverage,
        AccessRequest calldata request,
        Participant reader,
        Basis calldata basis,
        uint256 time
    ) internal view {
        address patient = request.subject.patient();
        BreakGlass broken = _brokenGlass[patient][request.reader];
        if (basis.grantee != request.reader || broken.count() == 0 || reader.roles() & EMERGENCY == 0) return;
        uint16 opened = _participants[patient].word.emergency() & request.subject.categories();
        Reason reason = Reason.Permitted;
        if (!broken.isOpenAt(time)) reason = Reason.BreakGlassOver;
        else if (EMERGENCY_PURPOSES & (uint256(1) << request.purpose) == 0) reason = Reason.PurposeNotCovered;
        else if (opened == 0) reason = Reason.CategoryNotCovered;
        if (reason != Reason.Permitted) {
            coverage.reason = _more(coverage.reason, reason);
            return;
        }
        (coverage.opened, coverage.openUntil) = (opened, broken.until());
        coverage.openingId = openingId(patient, request.reader, broken.count());
    }

    function _add(
        Coverage memory coverage,
        uint16 categories,
        uint40 until,
        BasisKind basis,
        bytes32 id
    ) internal pure {
        coverage.categories |= categories;
        if (until < coverage.until) coverage.until = until;
        if (coverage.basis == BasisKind.None) (coverage.basis, coverage.basisId) = (basis, id);
    }

    function _more(Reason a, Reason b) internal pure returns (Reason) {
        return a > b ? a : b;
    }
}
