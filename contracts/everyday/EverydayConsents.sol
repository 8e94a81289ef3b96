// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Consents} from "../Consents.sol";
import {IEverydayConsents, SignedGrant} from "../interfaces/IConsents.sol";
import {ConsentTerms} from "../types/Consent.sol";
import {BatchKind} from "../types/Record.sol";
import {ORGANIZATION} from "../types/Role.sol";
import {grantHash} from "../types/Signing.sol";

/// @title Who may read what: granting, withdrawing, denying
/// @dev The rules are in `Consents`; other relayed acts and views in `RareConsents`.
abstract contract EverydayConsents is IEverydayConsents, Consents {
    uint256 private constant MOST_SIGNED = 100;

    /// @inheritdoc IEverydayConsents
    function grant(address grantee, bytes32 scope, ConsentTerms terms, bytes32 document) external {
        _grant({patient: msg.sender, grantee: grantee, scope: scope, terms: terms, document: document});
    }

    /// @inheritdoc IEverydayConsents
    function grantSigned(SignedGrant calldata signed) external {
        _grantSigned(signed);
    }

    /// @inheritdoc IEverydayConsents
    function grantManySigned(SignedGrant[] calldata signed) external {
        if (signed.length > MOST_SIGNED) revert TooMany(signed.length, MOST_SIGNED);
        for (uint256 i = 0; i < signed.length; i++) {
            _grantSigned(signed[i]);
        }
    }

    /// @inheritdoc IEverydayConsents
    function withdraw(address grantee, bytes32 scope) external {
        _withdraw(msg.sender, grantee, scope);
    }

    /// @inheritdoc IEverydayConsents
    function setDenial(address grantee, bool denied) external {
        _setDenial(msg.sender, grantee, denied);
    }

    /// @inheritdoc IEverydayConsents
    function anchorConsents(bytes32 root, uint32 count, bytes32 manifest) external {
        _requireRole(msg.sender, ORGANIZATION);
        _anchorBatch(root, count, BatchKind.Consents);
        emit ConsentsAnchored(root, msg.sender, count, manifest);
    }

    function _grantSigned(SignedGrant calldata signed) private {
        (address patient, address grantee, bytes32 scope) = (signed.patient, signed.grantee, signed.scope);
        (ConsentTerms terms, bytes32 document, uint40 deadline) = (signed.terms, signed.document, signed.deadline);
        bytes32 hash = grantHash(patient, grantee, scope, terms, document, deadline);
        _requireSigned(patient, hash, deadline, signed.r, signed.vs);
        _grant({patient: patient, grantee: grantee, scope: scope, terms: terms, document: document});
    }
}
