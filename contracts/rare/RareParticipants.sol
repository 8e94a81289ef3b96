// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Participants} from "../Participants.sol";
import {IRareParticipants} from "../interfaces/IParticipants.sol";
import {Participant} from "../types/Participant.sol";
import {CONSORTIUM, ORGANIZATION, PERSONAL_ROLES, TEAM} from "../types/Role.sol";

/// @title Who takes part: admission, roles, suspension, identifiers, teams
/// @dev The rules are in `Participants`.
abstract contract RareParticipants is IRareParticipants, Participants {
    /// @inheritdoc IRareParticipants
    function admit(address organization, uint16 roles) external {
        _requireRole(msg.sender, CONSORTIUM);
        if (roles & ~(PERSONAL_ROLES | CONSORTIUM) != 0) revert RolesNotConferrable(organization, roles);
        _add(organization, organization, roles | ORGANIZATION);
        emit OrganizationAdmitted(organization, roles | ORGANIZATION);
    }

    /// @inheritdoc IRareParticipants
    function setRoles(address participant, uint16 roles) external {
        Participant current = _requireCharge(participant);
        if (current.roles() & ORGANIZATION != 0) {
            if (roles & ~(PERSONAL_ROLES | CONSORTIUM) != 0) revert RolesNotConferrable(participant, roles);
            roles |= ORGANIZATION;
        } else if (current.roles() & TEAM != 0) {
            revert RolesNotConferrable(participant, roles);
        } else {
            _requireConferrable(current.organization(), _participants[current.organization()].word, roles);
        }
        _participants[participant].word = current.withRoles(roles);
        emit RolesChanged(participant, roles);
    }

    /// @inheritdoc IRareParticipants
    function setSuspension(address participant, bool suspended) external {
        _participants[participant].word = _requireCharge(participant).withSuspended(suspended);
        if (suspended) emit ParticipantSuspended(participant, msg.sender);
        else emit ParticipantReinstated(participant, msg.sender);
    }

    /// @inheritdoc IRareParticipants
    function publishKeyCard(bytes32 keyCard) external {
        _requireRegistered(msg.sender);
        _keyCards[msg.sender] = keyCard;
        emit KeyCardPublished(msg.sender, keyCard);
    }

    /// @inheritdoc IRareParticipants
    function setPreferences(uint16 emergency, bool overDenials, uint16 barredAuthors) external {
        Participant patient = _requirePatient(msg.sender);
        _participants[msg.sender].word = patient.withPreferences(emergency, overDenials, barredAuthors);
        emit PreferencesSet(msg.sender, emergency, overDenials, barredAuthors);
    }

    /// @inheritdoc IRareParticipants
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

    /// @inheritdoc IRareParticipants
    function openTeam(uint96 number) external returns (address team) {
        _requireRole(msg.sender, ORGANIZATION);
        team = address(uint160(uint256(keccak256(abi.encode("HealthLedger team", msg.sender, number)))));
        _add(team, msg.sender, TEAM);
        emit TeamOpened(team, msg.sender, number);
    }

    /// @inheritdoc IRareParticipants
    function setMembership(address team, address member, bool joined) external {
        if (joined || msg.sender != member) {
            _requireRole(msg.sender, ORGANIZATION);
            _requireOwn(team);
        } else {
            _requireRegistered(msg.sender);
        }
        if (_participants[team].word.roles() & TEAM == 0) revert RoleMissing(team, TEAM);
        if (_participants[member].word.roles() & PERSONAL_ROLES == 0) revert NotRegistered(member);
        if (_members[team][member] == joined) revert MembershipUnchanged(team, member);
        _members[team][member] = joined;
        if (joined) emit TeamJoined(team, member);
        else emit TeamLeft(team, member);
    }

    /// @inheritdoc IRareParticipants
    function participantOf(address participant) external view returns (Participant) {
        return _participants[participant].word;
    }

    /// @inheritdoc IRareParticipants
    function keyCardOf(address participant) external view returns (bytes32) {
        return _keyCards[participant];
    }

    /// @inheritdoc IRareParticipants
    function participantBy(bytes32 identifier) external view returns (address) {
        return _identifiers[identifier];
    }

    /// @inheritdoc IRareParticipants
    function isMember(address team, address member) external view returns (bool) {
        return _members[team][member];
    }

    /// @dev The caller is the participant's live organization or of the consortium, and never the participant herself.
    function _requireCharge(address participant) private view returns (Participant current) {
        Participant caller = _requireRole(msg.sender, ORGANIZATION);
        current = _participants[participant].word;
        if (Participant.unwrap(current) == 0) revert NotRegistered(participant);
        bool inCharge = caller.roles() & CONSORTIUM != 0 || current.organization() == msg.sender;
        if (!inCharge || participant == msg.sender) revert NotInCharge(msg.sender, participant);
    }

    function _requireOwn(address participant) private view {
        if (_participants[participant].word.organization() != msg.sender) revert NotInCharge(msg.sender, participant);
    }
}
