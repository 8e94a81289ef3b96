// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Participant} from "../types/Participant.sol";

/// @title Who takes part
/// @notice People, organizations and teams are addresses. The consortium admits organizations; organizations register
/// and suspend their own people and keep the rosters of their teams. Nothing here names a person: outside identifiers
/// arrive under a keyed hash (HMAC-SHA256 under the consortium's key).
interface IParticipants {
    /// @notice An organization was admitted with the roles it may act in and confer.
    event OrganizationAdmitted(address indexed organization, uint16 roles);
    /// @notice A person was registered by her organization.
    event ParticipantRegistered(address indexed participant, address indexed organization, uint16 roles);
    /// @notice A participant's roles were replaced.
    event RolesChanged(address indexed participant, uint16 roles);
    /// @notice From this block on the participant, and the people of a suspended organization, can do nothing.
    event ParticipantSuspended(address indexed participant, address indexed by);
    /// @notice A suspension ended.
    event ParticipantReinstated(address indexed participant, address indexed by);
    /// @notice A participant published the digest of her signed key card.
    event KeyCardPublished(address indexed participant, bytes32 keyCard);
    /// @notice A patient said which categories an emergency may open, whether even to whom she denies, and which ones
    /// their authors may no longer read.
    event PreferencesSet(address indexed patient, uint16 emergency, bool overDenials, uint16 barredAuthors);
    /// @notice A keyed outside identifier now leads to this participant; the zero address: to nobody.
    event IdentifierLinked(bytes32 indexed identifier, address indexed participant);
    /// @notice An organization opened a team; its address is a grantee like any other.
    event TeamOpened(address indexed team, address indexed organization, uint96 number);
    /// @notice A member joined a team.
    event TeamJoined(address indexed team, address indexed member);
    /// @notice A member left a team; decisions from this block on no longer rest on her membership.
    event TeamLeft(address indexed team, address indexed member);

    /// @notice The caller or participant holds none of the roles (a mask) that the act needs.
    error RoleMissing(address participant, uint16 anyOf);
    /// @notice The participant is suspended.
    error SuspendedParticipant(address participant);
    /// @notice The participant's organization is suspended.
    error SuspendedOrganization(address participant, address organization);
    /// @notice The address is registered already.
    error AlreadyRegistered(address participant);
    /// @notice The address was never registered.
    error NotRegistered(address participant);
    /// @notice The organization does not hold these roles itself, or they are not for people.
    error RolesNotConferrable(address organization, uint16 roles);
    /// @notice The caller is not in charge of the participant.
    error NotInCharge(address caller, address participant);
    /// @notice The identifier leads to somebody already.
    error IdentifierTaken(bytes32 identifier, address participant);
    /// @notice The member is in the team already, or is not in it.
    error MembershipUnchanged(address team, address member);
}

/// @title Who takes part: registering people
/// @notice The acts that are functions of `HealthLedger` itself.
interface IEverydayParticipants is IParticipants {
    /// @notice Register a person with roles that the calling organization holds; anybody may be a patient.
    function register(address participant, uint16 roles) external;

    /// @notice Register a person together with the digest of her signed key card.
    function registerWithKeyCard(address participant, uint16 roles, bytes32 keyCard) external;
}

/// @title Who takes part: admission, roles, suspension, identifiers, teams
/// @notice The acts and views whose code is in `HealthLedgerExtension`; called at the ledger's address all the same.
interface IRareParticipants is IParticipants {
    /// @notice Admit an organization. Consortium only.
    /// @param organization its address, from which it acts
    /// @param roles mask of the roles that it may act in and confer
    function admit(address organization, uint16 roles) external;

    /// @notice Replace a person's roles. Her organization only; the consortium for organizations.
    function setRoles(address participant, uint16 roles) external;

    /// @notice Suspend a person (her organization, or the consortium) or an organization (the consortium), or end that.
    function setSuspension(address participant, bool suspended) external;

    /// @notice Publish the digest of the caller's key card.
    function publishKeyCard(bytes32 keyCard) external;

    /// @notice Patient only: what an emergency may open, and where authors may no longer read.
    /// @param emergency mask of categories
    /// @param overDenials whether a break-glass counts even for whom she denies
    /// @param barredAuthors mask of categories
    function setPreferences(uint16 emergency, bool overDenials, uint16 barredAuthors) external;

    /// @notice Let a keyed outside identifier lead to one of the caller's people, or with the zero address to nobody.
    function link(bytes32 identifier, address participant) external;

    /// @notice Open a team of the calling organization under a number of its choice.
    /// @return team the team's address: the last 20 bytes of keccak256("HealthLedger team", organization, number)
    function openTeam(uint96 number) external returns (address team);

    /// @notice Let a member join or leave a team: the team's organization; leaving also the member herself.
    function setMembership(address team, address member, bool joined) external;

    /// @notice The packed word of a participant; zero if never registered.
    function participantOf(address participant) external view returns (Participant);

    /// @notice The digest of a participant's key card; zero if none.
    function keyCardOf(address participant) external view returns (bytes32);

    /// @notice Whom a keyed outside identifier leads to; the zero address: nobody.
    function participantBy(bytes32 identifier) external view returns (address);

    /// @notice Whether the member is in the team now.
    function isMember(address team, address member) external view returns (bool);
}
