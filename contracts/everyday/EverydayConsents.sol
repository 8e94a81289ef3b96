// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Consents} from "../Consents.sol";
import {IEverydayConsents, SignedGrant} from "../interfaces/IConsents.sol";
import {ConsentTerms} from "../types/Consent.sol";
import {BatchKind} from "../types/Record.sol";
import {ORGANIZATION} from "../types/Role.sol";
import {grantHash, signerOf} from "../types/Signing.sol";

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
        _grantSigned(_domainSeparator(), signed);
    }

    /// @inheritdoc IEverydayConsents
    function grantManySigned(SignedGrant[] calldata signed) external {
        if (signed.length > MOST_SIGNED) revert TooMany(signed.length, MOST_SIGNED);
        bytes32 domain = _domainSeparator();
        for (uint256 i = 0; i < signed.length; i++) {
            _grantSigned(domain, signed[i]);
        }
    }

    /// @inheritdoc IEverydayConsents
    function withdraw(address grantee, bytes32 scope) external {
        _withdraw(msg.sender, grantee, scope);
    }

    /// @inheritdoc IEverydayConsents
    function setDenial(bool denied, address grantee) external {
        _setDenial(msg.sender, grantee, denied);
    }

    /// @inheritdoc IEverydayConsents
    function anchorConsents(bytes32 root, uint32 count, bytes32 manifest) external {
        _requireRole(msg.sender, ORGANIZATION);
        _anchorBatch(root, count, BatchKind.Consents);
        emit ConsentsAnchored(root, msg.sender, count, manifest);
    }

    function _grantSigned(bytes32 domain, SignedGrant calldata signed) private {
        (address grantee, bytes32 scope, bytes32 document) = (signed.grantee, signed.scope, signed.document);
        (ConsentTerms terms, uint40 deadline) = (signed.terms.granted(), signed.terms.deadline());
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        bytes32 hash = MessageHashUtils.toTypedDataHash(domain, grantHash(grantee, scope, terms, document, deadline));
        address patient = signerOf(hash, signed.r, signed.vs);
        _grant({patient: patient, grantee: grantee, scope: scope, terms: terms, document: document});
    }
}
