// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IParticipants} from "./interfaces/IParticipants.sol";
import {Participant, newParticipant} from "./types/Participant.sol";
import {CONSORTIUM, ORGANIZATION, PATIENT, PERSONAL_ROLES, TEAM} from "./types/Role.sol";

/// @title Who takes part
/// @dev The consortium, organizations, teams and people share one mapping: a check of the caller is one cold read, and
/// one more for her organization's suspension unless she is the organization.
abstract contract Participants is IParticipants {
    mapping(address participant => Participant) internal _participants;
    mapping(address participant => bytes32 digest) private _keyCards;
    mapping(bytes32 identifier => address participant) private _identifiers;
    mapping(address team => mapping(address member => bool)) internal _members;

    constructor(address consortium) {
        _participants[consortium] = newParticipant(consortium, CONSORTIUM | ORGANIZATION);
        emit OrganizationAdmitted(consortium, CONSORTIUM | ORGANIZATION);
    }

    /// @inheritdoc IParticipants
    function admit(address organization, uint16 roles) external {
        _requireRole(msg.sender, CONSORTIUM);
        if (roles & ~(PERSONAL_ROLES | CONSORTIUM) != 0) revert RolesNotConferrable(organization, roles);
        _add(organization, organization, roles | ORGANIZATION);
        emit OrganizationAdmitted(organization, roles | ORGANIZATION);
    }

    /// @inheritdoc IParticipants
    function register(address participant, uint16 roles) external {
        _register(participant, roles);
    }

    /// @inheritdoc IParticipants
    function registerWithKeyCard(address participant, uint16 roles, bytes32 keyCard) external {
        _register(participant, roles);
        _keyCards[participant] = keyCard;
        emit KeyCardPublished(participant, keyCard);
    }

    /// @inheritdoc IParticipants
    function setRoles(address participant, uint16 roles) external {
        Participant current = _requireCharge(participant);
        if (current.roles() & ORGANIZATION != 0) {
            if (roles & ~(PERSONAL_ROLES | CONSORTIUM) != 0) revert RolesNotConferrable(participant, roles);
            roles |= ORGANIZATION;
        } else if (current.roles() & TEAM != 0) {
            revert RolesNotConferrable(participant, roles);
        } else {
            _requireConferrable(current.organization(), _participants[current.organization()], roles);
        }
        _participants[participant] = current.withRoles(roles);
        emit RolesChanged(participant, roles);
    }

    /// @inheritdoc IParticipants
    function setSuspension(address participant, bool suspended) external {
        _participants[participant] = _requireCharge(participant).withSuspended(suspended);
        if (suspended) emit ParticipantSuspended(participant, msg.sender);
        else emit ParticipantReinstated(participant, msg.sender);
    }

    /// @inheritdoc IParticipants
    function publishKeyCard(bytes32 keyCard) external {
        _requireRegistered(msg.sender);
        _keyCards[msg.sender] = keyCard;
        emit KeyCardPublished(msg.sender, keyCard);
    }

    /// @inheritdoc IParticipants
    function setPreferences(uint16 emergency, uint16 barredAuthors) external {
        Participant patient = _requirePatient(msg.sender);
        _participants[msg.sender] = patient.withPreferences(emergency, barredAuthors);
        emit PreferencesSet(msg.sender, emergency, barredAuthors);
    }

    /// @inheritdoc IParticipants
    function link(bytes32 identifier, address participant) external {
        _requireRole(msg.sender, ORGANIZATION);
        address current = _identifiers[identifier];
        if (current != address(0)) _requireOwn(current);
        if (participant != address(0)) {
            if (current != address(0)) revert IdentifierTaken(identifier, current);
            _requireOwn(participant);
        }
        _identifiers[identifier] = participant;
        emit IdentifierLinked(identifier, participant);
    }

    /// @inheritdoc IParticipants
    function openTeam(uint96 number) external returns (address team) {
        _requireRole(msg.sender, ORGANIZATION);
        team = address(uint160(uint256(keccak256(abi.encode("HealthLedger team", msg.sender, number)))));
        _add(team, msg.sender, TEAM);
        emit TeamOpened(team, msg.sender, number);
    }

    /// @inheritdoc IParticipants
    function setMembership(address team, address member, bool joined) external {
        if (joined || msg.sender != member) {
            _requireRole(msg.sender, ORGANIZATION);
            _requireOwn(team);
        } else {
            _requireRegistered(msg.sender);
        }
        if (_participants[team].roles() & TEAM == 0) revert RoleMissing(team, TEAM);
        if (_participants[member].roles() & PERSONAL_ROLES == 0) revert NotRegistered(member);
        if (_members[team][member] == joined) revert MembershipUnchanged(team, member);
        _members[team][member] = joined;
        if (joined) emit TeamJoined(team, member);
        else emit TeamLeft(team, member);
    }

    /// @inheritdoc IParticipants
    function participantOf(address participant) external view returns (Participant) {
        return _participants[participant];
    }

    /// @inheritdoc IParticipants
    function keyCardOf(address participant) external view returns (bytes32) {
        return _keyCards[participant];
    }

    /// @inheritdoc IParticipants
    function participantBy(bytes32 identifier) external view returns (address) {
        return _identifiers[identifier];
    }

    /// @inheritdoc IParticipants
    function isMember(address team, address member) external view returns (bool) {
        return _members[team][member];
    }

    /// @dev Reverts unless `who` holds one of the professional roles and neither she nor her organization is suspended.
    function _requireRole(address who, uint16 anyOf) internal view returns (Participant participant) {
        participant = _participants[who];
        if (participant.roles() & anyOf == 0) revert RoleMissing(who, anyOf);
        if (participant.isSuspended()) revert SuspendedParticipant(who);
        address organization = participant.organization();
        if (organization != who && _participants[organization].isSuspended()) {
            revert SuspendedOrganization(who, organization);
        }
    }

    /// @dev Reverts unless `who` is a patient and not suspended. A patient is nobody's staff: the hospital that registered
    /// her does not speak for her, and its suspension is not hers.
    function _requirePatient(address who) internal view returns (Participant participant) {
        participant = _participants[who];
        if (participant.roles() & PATIENT == 0) revert RoleMissing(who, PATIENT);
        if (participant.isSuspended()) revert SuspendedParticipant(who);
    }

    /// @dev Reverts unless `who` is registered and neither she nor, if she is staff, her organization is suspended.
    function _requireRegistered(address who) private view {
        if (_participants[who].roles() == PATIENT) _requirePatient(who);
        else _requireRole(who, type(uint16).max);
    }

    function _register(address participant, uint16 roles) private {
        _requireConferrable(msg.sender, _requireRole(msg.sender, ORGANIZATION), roles);
        _add(participant, msg.sender, roles);
        emit ParticipantRegistered(participant, msg.sender, roles);
    }

    function _add(address participant, address organization, uint16 roles) private {
        if (Participant.unwrap(_participants[participant]) != 0) revert AlreadyRegistered(participant);
        _participants[participant] = newParticipant(organization, roles);
    }

    function _requireConferrable(address organization, Participant from, uint16 roles) private pure {
        if (roles == 0 || roles & ~((from.roles() & PERSONAL_ROLES) | PATIENT) != 0) {
            revert RolesNotConferrable(organization, roles);
        }
    }

    /// @dev The caller is the participant's live organization or of the consortium, and never the participant herself.
    function _requireCharge(address participant) private view returns (Participant current) {
        Participant caller = _requireRole(msg.sender, ORGANIZATION);
        current = _participants[participant];
        if (Participant.unwrap(current) == 0) revert NotRegistered(participant);
        bool inCharge = caller.roles() & CONSORTIUM != 0 || current.organization() == msg.sender;
        if (!inCharge || participant == msg.sender) revert NotInCharge(msg.sender, participant);
    }

    function _requireOwn(address participant) private view {
        if (_participants[participant].organization() != msg.sender) revert NotInCharge(msg.sender, participant);
    }
}
