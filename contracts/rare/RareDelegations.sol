// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Care} from "../Care.sol";
import {IDelegations} from "../interfaces/IDelegations.sol";
import {Consent, ConsentTerms, consentId} from "../types/Consent.sol";
import {
    ALL_POWERS,
    DelegatedAct,
    Delegation,
    LONGEST_DELEGATION,
    POWER_ACCEPT,
    POWER_CLAIM,
    POWER_GRANT,
    POWER_WITHDRAW,
    delegationHash
} from "../types/Delegation.sol";
import {Participant} from "../types/Participant.sol";
import {Subject} from "../types/Record.sol";

/// @title Who may act for a patient
/// @dev Every act of a delegate is: he is live and not denied, the delegation is live and reaches so far, it is not about
/// himself; then the patient's own act with all of its rules, and the event that says who did it.
abstract contract RareDelegations is IDelegations, Care {
    /// @inheritdoc IDelegations
    function setDelegation(address delegate, uint8 powers, uint16 categories, uint40 until) external {
        _setDelegation(msg.sender, delegate, powers, categories, until);
    }

    /// @inheritdoc IDelegations
    function setDelegationSigned(
        address patient,
        address delegate,
        uint8 powers,
        uint16 categories,
        uint40 until,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external {
        uint16 changes = _delegations[patient][delegate].changes();
        bytes32 hash = delegationHash(patient, delegate, powers, categories, until, changes, deadline);
        _requireSigned(patient, hash, deadline, r, vs);
        _setDelegation(patient, delegate, powers, categories, until);
    }

    /// @inheritdoc IDelegations
    function resign(address patient) external {
        _requireRegistered(msg.sender);
        _endDelegation(patient, msg.sender, true);
    }

    /// @inheritdoc IDelegations
    function grantFor(address patient, address grantee, bytes32 scope, ConsentTerms terms, bytes32 document) external {
        _requireMayGrant(patient, grantee, terms);
        _grant({patient: patient, grantee: grantee, scope: scope, terms: terms, document: document});
        emit DoneByDelegate(patient, msg.sender, consentId(patient, grantee, scope), DelegatedAct.Grant);
    }

    /// @inheritdoc IDelegations
    function withdrawFor(address patient, address grantee, bytes32 scope) external {
        Consent consent = _consent(patient, grantee, scope);
        _requireDelegated(patient, POWER_WITHDRAW, consent.terms().categories());
        _requireNotHimself(grantee);
        if (!consent.isGranted()) revert ConsentUnknown(patient, grantee, scope);
        _withdraw(patient, grantee, scope);
        emit DoneByDelegate(patient, msg.sender, consentId(patient, grantee, scope), DelegatedAct.Withdraw);
    }

    /// @inheritdoc IDelegations
    function denyFor(address patient, address grantee) external {
        _requireDelegated(patient, POWER_WITHDRAW, type(uint16).max);
        _requireNotHimself(grantee);
        _setDenial(patient, grantee, true);
        emit DoneByDelegate(patient, msg.sender, consentId(patient, grantee, 0), DelegatedAct.Deny);
    }

    /// @inheritdoc IDelegations
    function answerFor(bytes32 digest, Subject subject, address author, bool accepted) external {
        _requireMayAccept(subject);
        _requireNotHimself(author);
        _answer(digest, subject, author, accepted);
        emit DoneByDelegate(subject.patient(), msg.sender, digest, DelegatedAct.Answer);
    }

    /// @inheritdoc IDelegations
    function acceptInBatchFor(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external {
        _requireMayAccept(subject);
        _requireNotHimself(_batches[root].author());
        _answerInBatch(root, index, digest, subject, path, true);
        emit DoneByDelegate(subject.patient(), msg.sender, root, DelegatedAct.AcceptInBatch);
    }

    /// @inheritdoc IDelegations
    function turnDownInBatchFor(
        bytes32 root,
        uint32 index,
        bytes32 digest,
        Subject subject,
        bytes32[] calldata path
    ) external {
        _requireMayAccept(subject);
        _requireNotHimself(_batches[root].author());
        _answerInBatch(root, index, digest, subject, path, false);
        emit DoneByDelegate(subject.patient(), msg.sender, root, DelegatedAct.TurnDownInBatch);
    }

    /// @inheritdoc IDelegations
    function delegationOf(address patient, address delegate) external view returns (Delegation) {
        return _delegations[patient][delegate];
    }

    /// @dev Reverts unless the caller may, as a delegate, grant these terms to this grantee.
    function _requireMayGrant(address patient, address grantee, ConsentTerms terms) internal view {
        Delegation delegation = _requireDelegated(patient, POWER_GRANT, terms.categories());
        _requireNotHimself(grantee);
        if (terms.expiry() > delegation.until()) {
            revert DelegationOutlived(msg.sender, terms.expiry(), delegation.until());
        }
    }

    /// @dev Reverts unless the caller is live, not denied by the patient, and has this power for all the categories now.
    function _requireDelegated(
        address patient,
        uint8 power,
        uint16 categories
    ) internal view returns (Delegation delegation) {
        Participant delegate = _requireRegistered(msg.sender);
        delegation = _delegations[patient][msg.sender];
        if (!delegation.has(power, block.timestamp) || _isDenied(patient, msg.sender, delegate)) {
            revert DelegationMissing(patient, msg.sender, power);
        }
        if (categories & ~delegation.categories() != 0) {
            revert DelegationExceeded(msg.sender, categories, delegation.categories());
        }
    }

    /// @dev Reverts if the act would be about the caller, the organization that he acts for, or a team that he is in.
    function _requireNotHimself(address who) internal view {
        Participant delegate = _participants[msg.sender].word;
        bool his = who == msg.sender || (delegate.isStaff() && who == delegate.organization());
        if (his || _members[who][msg.sender]) revert ActsOnHimself(msg.sender, who);
    }

    function _requireMayAccept(Subject subject) private view {
        _requireDelegated(subject.patient(), POWER_ACCEPT, subject.categories());
        _requirePatient(subject.patient());
    }

    function _setDelegation(address patient, address delegate, uint8 powers, uint16 categories, uint40 until) private {
        _requirePatient(patient);
        if (powers == 0 && categories == 0 && until == 0) {
            _endDelegation(patient, delegate, false);
            return;
        }
        if (delegate == patient || !_participants[delegate].word.isPerson()) revert DelegateInvalid(delegate);
        if (powers & POWER_CLAIM != 0) revert PowerWithoutAct(POWER_CLAIM);
        bool known = powers != 0 && powers & ~ALL_POWERS == 0 && categories != 0;
        if (!known || until <= block.timestamp || until > block.timestamp + LONGEST_DELEGATION) {
            revert DelegationInvalid(powers, categories, until);
        }
        _delegations[patient][delegate] = _delegations[patient][delegate].changed(powers, categories, until);
        emit DelegationSet(patient, delegate, powers, categories, until);
    }

    function _endDelegation(address patient, address delegate, bool resigned) private {
        Delegation current = _delegations[patient][delegate];
        if (current.until() == 0) revert DelegationMissing(patient, delegate, 0);
        _delegations[patient][delegate] = current.changed(0, 0, 0);
        emit DelegationEnded(patient, delegate, resigned);
    }
}
