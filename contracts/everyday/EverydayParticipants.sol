// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Participants} from "../Participants.sol";
import {IEverydayParticipants} from "../interfaces/IParticipants.sol";
import {ORGANIZATION} from "../types/Role.sol";

/// @title Who takes part: registering people
/// @dev The rules are in `Participants`; admission, roles, suspension, teams and views in `RareParticipants`.
abstract contract EverydayParticipants is IEverydayParticipants, Participants {
    /// @inheritdoc IEverydayParticipants
    function register(address participant, uint16 roles) external {
        _register(participant, roles);
    }

    /// @inheritdoc IEverydayParticipants
    function registerWithKeyCard(address participant, uint16 roles, bytes32 keyCard) external {
        _register(participant, roles);
        _keyCards[participant] = keyCard;
        emit KeyCardPublished(participant, keyCard);
    }

    function _register(address participant, uint16 roles) private {
        _requireConferrable(msg.sender, _requireRole(msg.sender, ORGANIZATION), roles);
        _add(participant, msg.sender, roles);
        emit ParticipantRegistered(participant, msg.sender, roles);
    }
}
