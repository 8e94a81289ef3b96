// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Participants} from "./Participants.sol";
import {IConsents, SignedGrant} from "./interfaces/IConsents.sol";
import {Consent, ConsentTerms} from "./types/Consent.sol";
import {Participant} from "./types/Participant.sol";
import {Batch, BatchKind, newBatch} from "./types/Record.sol";
import {ORGANIZATION} from "./types/Role.sol";
import {denialHash, grantHash, withdrawalHash} from "./types/Signing.sol";

/// @title Who may read what, for which purpose, until when
/// @dev Every act is check -> change -> emit on one word. The signed path ends in the same function as the direct one,
/// and its replay protection is the word itself: a scope is granted once, a consent withdrawn once, and a denial's
/// signature names how often the denial has changed.
abstract contract Consents is IConsents, Participants, EIP712 {
    uint256 private constant MOST_SIGNED = 100;

    mapping(address patient => mapping(address grantee => mapping(bytes32 scope => Consent))) internal _consents;
    mapping(bytes32 root => Batch) internal _batches;

    /// @inheritdoc IConsents
    function grant(address grantee, bytes32 scope, ConsentTerms terms, bytes32 document) external {
        _grant(msg.sender, grantee, scope, terms, document);
    }

    /// @inheritdoc IConsents
    function grantSigned(SignedGrant calldata signed) external {
        _grantSigned(signed);
    }

    /// @inheritdoc IConsents
    function grantManySigned(SignedGrant[] calldata signed) external {
        if (signed.length > MOST_SIGNED) revert TooMany(signed.length, MOST_SIGNED);
        for (uint256 i = 0; i < signed.length; i++) {
            _grantSigned(signed[i]);
        }
    }

    /// @inheritdoc IConsents
    function withdraw(address grantee, bytes32 scope) external {
        _withdraw(msg.sender, grantee, scope);
    }

    /// @inheritdoc IConsents
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

    /// @inheritdoc IConsents
    function setDenial(address grantee, bool denied) external {
        _setDenial(msg.sender, grantee, denied);
    }

    /// @inheritdoc IConsents
    function setDenialSigned(
        address patient,
        address grantee,
        bool denied,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external {
        uint16 changes = _consents[patient][grantee][0].denials();
        _requireSigned(patient, denialHash(patient, grantee, denied, changes, deadline), deadline, r, vs);
        _setDenial(patient, grantee, denied);
    }

    /// @inheritdoc IConsents
    function anchorConsents(bytes32 root, uint32 count, bytes32 manifest) external {
        _requireRole(msg.sender, ORGANIZATION);
        _anchorBatch(root, count, BatchKind.Consents);
        emit ConsentsAnchored(root, msg.sender, count, manifest);
    }

    /// @inheritdoc IConsents
    function consentOf(address patient, address grantee, bytes32 scope) external view returns (Consent) {
        return _consents[patient][grantee][scope];
    }

    function _isDeniedOne(address patient, address grantee) internal view returns (bool) {
        return _consents[patient][grantee][0].isDenied();
    }

    /// @dev The person or team, or the organization that she acts for, is denied by the patient.
    function _isDenied(address patient, address person, Participant participant) internal view returns (bool) {
        address organization = participant.organization();
        return
            _isDeniedOne(patient, person) ||
            (organization != person && participant.isStaff() && _isDeniedOne(patient, organization));
    }

    function _anchorBatch(bytes32 root, uint32 count, BatchKind kind) internal {
        if (Batch.unwrap(_batches[root]) != 0) revert BatchAlreadyAnchored(root);
        _batches[root] = newBatch(msg.sender, count, kind);
    }

    /// @dev Reverts unless `signer` signed the typed data and its deadline has not passed.
    function _requireSigned(address signer, bytes32 structHash, uint40 deadline, bytes32 r, bytes32 vs) internal view {
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        address recovered = ECDSA.recover(_hashTypedDataV4(structHash), r, vs);
        if (recovered != signer) revert SignatureInvalid(signer, recovered);
    }

    function _grantSigned(SignedGrant calldata signed) private {
        (address patient, address grantee, bytes32 scope) = (signed.patient, signed.grantee, signed.scope);
        (ConsentTerms terms, bytes32 document, uint40 deadline) = (signed.terms, signed.document, signed.deadline);
        bytes32 hash = grantHash(patient, grantee, scope, terms, document, deadline);
        _requireSigned(patient, hash, deadline, signed.r, signed.vs);
        _grant(patient, grantee, scope, terms, document);
    }

    function _grant(address patient, address grantee, bytes32 scope, ConsentTerms terms, bytes32 document) private {
        _requirePatient(patient);
        if (grantee == patient || grantee == address(0)) revert GranteeInvalid(grantee);
        if (!terms.isWellFormed()) revert ConsentTermsInvalid(terms);
        (uint40 notBefore, uint40 expiry) = (terms.notBefore(), terms.expiry());
        if (expiry <= notBefore || expiry <= block.timestamp) revert ConsentPeriodEmpty(notBefore, expiry);
        mapping(bytes32 scope => Consent) storage consents = _consents[patient][grantee];
        Consent current = consents[scope];
        if (current.isGranted() || current.withdrawnAt() != 0) revert ConsentScopeUsed(patient, grantee, scope);

        consents[scope] = current.withTerms(terms);

        emit ConsentGranted(patient, grantee, scope, terms, document);
    }

    function _withdraw(address patient, address grantee, bytes32 scope) private {
        _requirePatient(patient);
        mapping(bytes32 scope => Consent) storage consents = _consents[patient][grantee];
        Consent current = consents[scope];
        if (current.withdrawnAt() != 0) revert ConsentAlreadyWithdrawn(patient, grantee, scope);

        consents[scope] = current.withWithdrawal(block.timestamp);

        emit ConsentWithdrawn(patient, grantee, scope);
    }

    function _setDenial(address patient, address grantee, bool denied) private {
        _requirePatient(patient);
        if (grantee == patient || grantee == address(0)) revert GranteeInvalid(grantee);
        mapping(bytes32 scope => Consent) storage consents = _consents[patient][grantee];
        Consent current = consents[0];
        if (current.isDenied() == denied) revert DenialUnchanged(patient, grantee, denied);

        consents[0] = current.withDenial(denied);

        if (denied) emit AccessDenied(patient, grantee);
        else emit DenialLifted(patient, grantee);
    }
}
