// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IParticipants} from "./interfaces/IParticipants.sol";
import {Participant, ParticipantEntry, newParticipant} from "./types/Participant.sol";
import {PATIENT, PERSONAL_ROLES} from "./types/Role.sol";

/// @title Who takes part
/// @dev The consortium, organizations, teams and people share one mapping: a check of the caller is one cold read, and
/// one more for her organization's suspension unless she is the organization.
abstract contract Participants is IParticipants {
    mapping(address participant => ParticipantEntry) internal _participants;
    mapping(address participant => bytes32 digest) internal _keyCards;
    mapping(bytes32 identifier => address participant) internal _identifiers;
    mapping(address team => mapping(address member => bool)) internal _members;

    /// @dev Reverts unless `who` holds one of the professional roles and neither she nor her organization is suspended.
    function _requireRole(address who, uint16 anyOf) internal view returns (Participant participant) {
        participant = _participants[who].word;
        if (!participant.isLiveIn(anyOf)) _refuseRole(who, anyOf);
        address organization = participant.organization();
        if (organization != who) _requireLiveOrganization(who, organization);
    }

    function _requireLiveOrganization(address who, address organization) internal view {
        if (_participants[organization].word.isSuspended()) revert SuspendedOrganization(who, organization);
    }

    /// @dev Reverts unless `who` is a patient and not suspended. A patient is nobody's staff: the hospital that registered
    /// her does not speak for her, and its suspension is not hers.
    function _requirePatient(address who) internal view returns (Participant participant) {
        participant = _participants[who].word;
        if (!participant.isLivePatient()) _refuseRole(who, PATIENT);
    }

    /// @dev Says why `who` is live in none of the roles. (Her word is read again: whoever is let in need not carry it.)
    function _refuseRole(address who, uint16 anyOf) internal view {
        if (_participants[who].word.roles() & anyOf == 0) revert RoleMissing(who, anyOf);
        revert SuspendedParticipant(who);
    }

    /// @dev Reverts unless `who` is registered and neither she nor, if she is staff, her organization is suspended.
    function _requireRegistered(address who) internal view returns (Participant) {
        return _participants[who].word.roles() == PATIENT ? _requirePatient(who) : _requireRole(who, type(uint16).max);
    }

    function _add(address participant, address organization, uint16 roles) internal {
        if (Participant.unwrap(_participants[participant].word) != 0) revert AlreadyRegistered(participant);
        _participants[participant].word = newParticipant(organization, roles);
    }

    function _requireConferrable(address organization, Participant from, uint16 roles) internal pure {
        if (roles == 0 || roles & ~((from.roles() & PERSONAL_ROLES) | PATIENT) != 0) {
            revert RolesNotConferrable(organization, roles);
        }
    }
}
