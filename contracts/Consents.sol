// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";

import {Participants} from "./Participants.sol";
import {Signatures} from "./Signatures.sol";
import {IConsents} from "./interfaces/IConsents.sol";
import {
    Consent,
    ConsentEntry,
    ConsentKey,
    ConsentTerms,
    DENIED_BIT,
    consentKey,
    digestKey,
    firstKey,
    isNumber,
    numberKey
} from "./types/Consent.sol";
import {Participant, ParticipantEntry} from "./types/Participant.sol";
import {Batch, BatchKind, newBatch} from "./types/Record.sol";
import {PATIENT} from "./types/Role.sol";
import {signerOf} from "./types/Signing.sol";

/// @title Who may read what, for which purpose, until when
/// @dev Every act is check -> change -> emit on one word. The signed path ends in the same function as the direct one,
/// and its replay protection is the word itself: a scope is granted once, a consent withdrawn once, and a denial's
/// signature names how often the denial has changed.
abstract contract Consents is IConsents, Participants, Signatures {
    using Arrays for uint256[];

    mapping(bytes32 root => Batch) internal _batches;
    /// @dev A pair's denials before the last one, which stands in its first word; in order, each as when it began (high
    /// bits) and when it was lifted (uint40).
    mapping(address patient => mapping(address grantee => uint256[])) private _earlierDenials;

    function _consent(address patient, address grantee, bytes32 scope) internal view returns (Consent) {
        return _participants[patient].consents[consentKey(grantee, scope)].word;
    }

    function _isDeniedOne(address patient, address grantee) internal view returns (bool) {
        return _participants[patient].consents[firstKey(grantee)].word.isDenied();
    }

    /// @dev Not zero if the patient denies the person, or the organization that she acts for.
    function _denial(address patient, address person, address organization) internal view returns (uint256 denied) {
        mapping(ConsentKey key => ConsentEntry) storage consents = _participants[patient].consents;
        denied = Consent.unwrap(consents[firstKey(person)].word) & DENIED_BIT;
        if (organization != person) denied |= Consent.unwrap(consents[firstKey(organization)].word) & DENIED_BIT;
    }

    /// @dev The patient denied the person, or the organization that she acts for, at a time that is past.
    function _wasDenied(address patient, address person, uint40 time) internal view returns (bool) {
        address organization = _participants[person].word.organization();
        return
            _wasDeniedOne(patient, person, time) ||
            (organization != person && _wasDeniedOne(patient, organization, time));
    }

    /// @dev From the second of the denial on, no longer at the second of its lifting.
    function _wasDeniedOne(address patient, address grantee, uint40 time) internal view returns (bool) {
        Consent last = _participants[patient].consents[firstKey(grantee)].word;
        if (time >= last.deniedAt()) return last.isDenied() || time < last.liftedAt();
        uint256[] storage earlier = _earlierDenials[patient][grantee];
        uint256 begun = earlier.upperBound((uint256(time) << 40) | type(uint40).max);
        return begun != 0 && time < uint40(earlier[begun - 1]);
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
        address recovered = signerOf(_typedDataHash(structHash), r, vs);
        if (recovered != signer) revert SignatureInvalid(signer, recovered);
    }

    /// @dev The patient's words come last first, as the stack takes them; so callers name them.
    function _grant(address patient, bytes32 document, ConsentTerms terms, bytes32 scope, address grantee) internal {
        ParticipantEntry storage giver = _participants[patient];
        ConsentKey key = numberKey(grantee, scope);
        if (!isNumber(scope)) key = digestKey(grantee, scope);
        ConsentEntry storage consent = giver.consents[key];
        if (!giver.word.isLivePatient()) _refuseRole(patient, PATIENT);
        if (grantee == patient) revert GranteeInvalid(grantee);
        if (grantee == address(0)) revert GranteeInvalid(grantee);
        if (!terms.isWellFormed()) revert ConsentTermsInvalid(terms);
        if (terms.isPeriodEmpty(block.timestamp)) revert ConsentPeriodEmpty(terms.notBefore(), terms.expiry());
        Consent current = consent.word;
        if (current.isUsed()) revert ConsentScopeUsed(patient, grantee, scope);

        consent.word = current.withTerms(terms);

        emit ConsentGranted(patient, grantee, scope, terms, document);
    }

    function _withdraw(address patient, address grantee, bytes32 scope) internal {
        ParticipantEntry storage giver = _participants[patient];
        if (!giver.word.isLivePatient()) _refuseRole(patient, PATIENT);
        ConsentKey key = numberKey(grantee, scope);
        if (!isNumber(scope)) key = digestKey(grantee, scope);
        ConsentEntry storage consent = giver.consents[key];
        Consent current = consent.word;
        if (current.isWithdrawn()) revert ConsentAlreadyWithdrawn(patient, grantee, scope);

        consent.word = current.withWithdrawal(block.timestamp);

        emit ConsentWithdrawn(patient, grantee, scope);
    }

    function _setDenial(address patient, address grantee, bool denied) internal {
        ParticipantEntry storage giver = _participants[patient];
        if (!giver.word.isLivePatient()) _refuseRole(patient, PATIENT);
        if (grantee == patient) revert GranteeInvalid(grantee);
        if (grantee == address(0)) revert GranteeInvalid(grantee);
        ConsentEntry storage consent = giver.consents[firstKey(grantee)];
        Consent current = consent.word;
        if (current.isDenied() == denied) revert DenialUnchanged(patient, grantee, denied);

        if (denied && current.liftedAt() != 0) {
            _earlierDenials[patient][grantee].push(current.lastDenial());
        }
        consent.word = current.withDenial(denied, block.timestamp);

        if (denied) emit AccessDenied(patient, grantee);
        else emit DenialLifted(patient, grantee);
    }
}
