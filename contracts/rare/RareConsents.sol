// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Consents} from "../Consents.sol";
import {IRareConsents} from "../interfaces/IConsents.sol";
import {Consent} from "../types/Consent.sol";
import {denialHash, withdrawalHash} from "../types/Signing.sol";

/// @title Who may read what: withdrawals and denials that their patient signed
/// @dev The rules are in `Consents`.
abstract contract RareConsents is IRareConsents, Consents {
    /// @inheritdoc IRareConsents
    function withdrawSigned(
        address patient,
        address grantee,
        bytes32 scope,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external {
        _requireSigned(patient, withdrawalHash(patient, grantee, scope, deadline), deadline, r, vs);
        _withdraw(patient, grantee, scope);
    }

    /// @inheritdoc IRareConsents
    function setDenialSigned(
        address patient,
        address grantee,
        bool denied,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external {
        uint16 changes = _consent(patient, grantee, 0).denials();
        _requireSigned(patient, denialHash(patient, grantee, denied, changes, deadline), deadline, r, vs);
        _setDenial(patient, grantee, denied);
    }

    /// @inheritdoc IRareConsents
    function consentOf(address patient, address grantee, bytes32 scope) external view returns (Consent) {
        return _consent(patient, grantee, scope);
    }
}
