// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {CareBases} from "./CareBases.sol";
import {IDecisions, PresentationProof, SignedConsentProof} from "./interfaces/IDecisions.sol";
import {SignedGrant} from "./interfaces/IConsents.sol";
import {Consent, consentId} from "./types/Consent.sol";
import {AccessRequest, AnchorKind, AnchorProof, Basis, BasisKind, Decision, Reason} from "./types/Decision.sol";
import {Participant} from "./types/Participant.sol";
import {
    Prescription,
    PrescriptionTerms,
    Status,
    fillKeyLeaf,
    hiddenOf,
    prescriptionId,
    termsHash
} from "./types/Prescription.sol";
import {BTG, TREAT, purposesCovering} from "./types/Purpose.sol";
import {Batch, BatchKind, RecordState, RecordWord} from "./types/Record.sol";
import {AUDITOR, PATIENT, PHARMACIST} from "./types/Role.sol";
import {consentLeaf, grantHash, presentationHash} from "./types/Signing.sol";

/// @title The decision: may this reader open this record?
/// @dev The rule, in order: is the reader live; is the record anchored; does the patient deny her; is it her own; is she
/// its author; does it count yet; do the offered bases, together, cover every category for this purpose. Order-free: of
/// several bases the union counts, of several reasons the most telling, and a broken glass only where the rest does not
/// suffice. To whom the patient denies nothing counts but a broken glass, where her preference says so; a record that
/// she has not accepted is open to nobody but a delegate who may accept it for her.
abstract contract Decisions is IDecisions, CareBases {
    uint256 private constant MOST_BASES = 16;
    uint40 private constant NEVER = type(uint40).max;

    /// @inheritdoc IDecisions
    function decide(
        AccessRequest calldata request,
        AnchorProof calldata anchorProof,
        Basis[] calldata bases
    ) external view returns (Decision memory) {
        if (bases.length > MOST_BASES) revert TooManyBases(bases.length, MOST_BASES);
        uint256 time = request.at > block.timestamp ? request.at : block.timestamp;
        Participant reader = _participants[request.reader].word;

        Reason reason = _readerReason(request.reader, reader);
        if (reason != Reason.Permitted) return _denied(reason, RecordState.None);

        RecordState state = _stateOf(request, anchorProof);
        if (state == RecordState.None) return _denied(Reason.RecordNotAnchored, state);
        address patient = request.subject.patient();
        bool accepted = state.counted();
        bool denied = request.reader != patient && _isDenied(patient, request.reader, reader);
        if (denied && !(accepted && _participants[patient].word.isOverDenials())) {
            return _denied(Reason.DeniedByPatient, state);
        }
        if (request.purpose > BTG) return _denied(denied ? Reason.DeniedByPatient : Reason.PurposeUnknown, state);

        if (request.reader == patient) {
            return Decision(true, Reason.Permitted, BasisKind.OwnRecord, 0, NEVER, state);
        }
        if (request.reader == request.author && !denied) {
            uint16 barred = _participants[patient].word.barredAuthors();
            if (barred & request.subject.categories() == 0) {
                return Decision(true, Reason.Permitted, BasisKind.Author, 0, NEVER, state);
            }
        }
        Reason bar =
            denied
                ? Reason.DeniedByPatient
                : accepted
                    ? Reason.NoBasis
                    : Reason.NotYetAccepted;
        return _decideOn(request, reader, bases, time, state, bar);
    }

    /// @inheritdoc IDecisions
    function wasDenied(address patient, address grantee, uint40 time) external view returns (bool) {
        return _wasDeniedOne(patient, grantee, time);
    }

    function _decideOn(
        AccessRequest calldata request,
        Participant reader,
        Basis[] calldata bases,
        uint256 time,
        RecordState state,
        Reason bar
    ) private view returns (Decision memory) {
        Coverage memory coverage;
        (coverage.until, coverage.openUntil, coverage.bar) = (NEVER, NEVER, bar);
        for (uint256 i = 0; i < bases.length; i++) {
            _weigh(coverage, request, reader, bases[i], time);
        }
        uint16 lacking = request.subject.categories() & ~coverage.categories;
        if (coverage.basis != BasisKind.None && lacking == 0) {
            return Decision(true, Reason.Permitted, coverage.basis, coverage.basisId, coverage.until, state);
        }
        if (coverage.opened != 0 && lacking & ~coverage.opened == 0) {
            uint40 until = coverage.until < coverage.openUntil ? coverage.until : coverage.openUntil;
            return Decision(true, Reason.Permitted, BasisKind.BreakGlass, coverage.openingId, until, state);
        }
        if (bar != Reason.NoBasis) return _denied(bar, state);
        if (coverage.categories | coverage.opened != 0)
            coverage.reason = _more(coverage.reason, Reason.CategoryNotCovered);
        return _denied(coverage.reason, state);
    }

    /// @dev Adds what one basis covers, or the reason why it does not.
    function _weigh(
        Coverage memory coverage,
        AccessRequest calldata request,
        Participant reader,
        Basis calldata basis,
        uint256 time
    ) private view {
        if (basis.kind == BasisKind.BreakGlass) {
            if (coverage.bar != Reason.NotYetAccepted) _weighBreakGlass(coverage, request, reader, basis, time);
            return;
        }
        if (basis.kind == BasisKind.Delegation) {
            if (coverage.bar != Reason.DeniedByPatient) _weighDelegation(coverage, request, basis, time);
            return;
        }
        if (coverage.bar != Reason.NoBasis) return;
        if (basis.kind == BasisKind.Presentation) {
            _weighPresentation(coverage, request, reader, basis, time);
            return;
        }
        bool consents = basis.kind == BasisKind.Consent || basis.kind == BasisKind.SignedConsent;
        if (!consents || !_standsFor(request, reader, basis.grantee)) return;
        bool inScope = uint256(basis.scope) <= type(uint16).max || basis.scope == request.digest;
        if (!inScope) return;

        address patient = request.subject.patient();
        Consent consent = _consent(patient, basis.grantee, basis.scope);
        if (basis.kind == BasisKind.SignedConsent) {
            if (!_isAnchoredGrant(request, basis)) return;
            SignedConsentProof memory proof = abi.decode(basis.proof, (SignedConsentProof));
            // Anchored, not granted by transaction: the word can only say that it was withdrawn.
            if (consent.isGranted()) return;
            consent = consent.withTerms(proof.signed.terms.granted());
        }
        Reason reason = _consentReason(consent, request.purpose, time);
        uint16 covered = consent.terms().categories() & request.subject.categories();
        if (reason == Reason.Permitted && covered == 0) reason = Reason.CategoryNotCovered;
        if (reason != Reason.Permitted) {
            coverage.reason = _more(coverage.reason, reason);
            return;
        }
        bytes32 id = consentId(patient, basis.grantee, basis.scope);
        _add(coverage, covered, consent.terms().expiry(), basis.kind, id);
    }

    function _weighPresentation(
        Coverage memory coverage,
        AccessRequest calldata request,
        Participant reader,
        Basis calldata basis,
        uint256 time
    ) private view {
        PresentationProof memory proof = abi.decode(basis.proof, (PresentationProof));
        bytes32 hash = termsHash(hiddenOf(request.digest, proof.fillKeys), proof.terms);
        bytes32 id = prescriptionId(request.author, request.subject, hash);
        Prescription current = _prescriptions[id].word;
        bool claimable = current.status() == Status.Active || current.status() == Status.Claimed;
        bool inTime = time <= proof.deadline && time < proof.terms.expiry();
        if (reader.roles() & PHARMACIST == 0 || !claimable || !inTime) {
            coverage.reason = _more(coverage.reason, Reason.PresentationInvalid);
            return;
        }
        uint8 fill = _claimableFill(current);
        bytes32 signed = _typedDataHash(presentationHash(id, fill, request.reader, proof.deadline));
        (address key, ECDSA.RecoverError failure, ) = ECDSA.tryRecover(signed, proof.r, proof.vs);
        if (
            failure != ECDSA.RecoverError.NoError ||
            !MerkleProof.verify(proof.path, proof.fillKeys, fillKeyLeaf(fill, key))
        ) {
            coverage.reason = _more(coverage.reason, Reason.PresentationInvalid);
            return;
        }
        if (purposesCovering(request.purpose) & (1 << TREAT) == 0) {
            coverage.reason = _more(coverage.reason, Reason.PurposeNotCovered);
            return;
        }
        uint40 until = proof.deadline < proof.terms.expiry() ? proof.deadline : proof.terms.expiry();
        _add(coverage, request.subject.categories(), until, BasisKind.Presentation, id);
    }

    /// @dev The reader is the grantee, or on the staff of the grantee organization, or a live member of the grantee team.
    function _standsFor(
        AccessRequest calldata request,
        Participant reader,
        address grantee
    ) private view returns (bool) {
        return
            grantee == request.reader ||
            (grantee == reader.organization() && reader.isStaff()) ||
            _isLiveMember(request.subject.patient(), grantee, request.reader);
    }

    /// @dev The basis is a consent that the patient signed for this grantee and scope, in an anchored batch.
    function _isAnchoredGrant(AccessRequest calldata request, Basis calldata basis) private view returns (bool) {
        SignedConsentProof memory proof = abi.decode(basis.proof, (SignedConsentProof));
        SignedGrant memory signed = proof.signed;
        bool same =
            signed.grantee == basis.grantee && signed.scope == basis.scope && signed.terms.granted().isWellFormed();
        Batch batch = _batches[proof.root];
        if (!same || batch.kind() != BatchKind.Consents || batch.anchoredAtOf() > signed.terms.deadline()) return false;
        address patient = request.subject.patient();
        if (_participants[patient].word.roles() & PATIENT == 0) return false;
        bytes32 hash = _typedDataHash(
            grantHash(signed.grantee, signed.scope, signed.terms.granted(), signed.document, signed.terms.deadline())
        );
        (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecover(hash, signed.r, signed.vs);
        return
            failure == ECDSA.RecoverError.NoError &&
            signer == patient &&
            MerkleProof.verify(proof.path, proof.root, consentLeaf(hash, patient));
    }

    /// @dev Where the record stands; `None` unless digest, subject and author are exactly those that were anchored.
    function _stateOf(AccessRequest calldata request, AnchorProof calldata proof) private view returns (RecordState) {
        if (proof.kind == AnchorKind.Single) {
            RecordWord current = _records[request.digest].word;
            if (!current.belongsTo(request.subject, request.author)) return RecordState.None;
            return current.state();
        }
        if (proof.kind == AnchorKind.Prescription) {
            if (proof.path.length != 1) return RecordState.None;
            PrescriptionTerms terms = PrescriptionTerms.wrap(uint256(proof.path[0]));
            bytes32 hash = termsHash(hiddenOf(request.digest, proof.root), terms);
            Prescription current = _prescriptions[prescriptionId(request.author, request.subject, hash)].word;
            if (current.status() == Status.None) return RecordState.None;
            return current.status() == Status.Voided ? RecordState.Retracted : RecordState.Anchored;
        }
        bool inBatch =
            _batches[proof.root].author() == request.author &&
                _isInBatch(proof.root, proof.index, request.digest, request.subject, proof.path);
        return inBatch ? _stateInBatch(proof.root, proof.index, request.subject) : RecordState.None;
    }

    function _readerReason(address who, Participant reader) private view returns (Reason) {
        if (Participant.unwrap(reader) == 0) return Reason.ReaderNotRegistered;
        if (reader.isSuspended()) return Reason.ReaderSuspended;
        address organization = reader.organization();
        if (reader.isStaff() && organization != who && _participants[organization].word.isSuspended()) {
            return Reason.OrganizationSuspended;
        }
        if (reader.roles() & AUDITOR != 0) return Reason.AuditorsReadNoRecords;
        return Reason.Permitted;
    }

    function _consentReason(Consent consent, uint8 purpose, uint256 time) private pure returns (Reason) {
        if (!consent.isGranted()) return Reason.NoBasis;
        uint40 withdrawnAt = consent.withdrawnAt();
        if (withdrawnAt != 0 && time >= withdrawnAt) return Reason.ConsentWithdrawn;
        if (time >= consent.terms().expiry()) return Reason.ConsentExpired;
        if (time < consent.terms().notBefore()) return Reason.ConsentNotYetLive;
        if (!consent.covers(purpose)) return Reason.PurposeNotCovered;
        return Reason.Permitted;
    }

    function _denied(Reason reason, RecordState state) private pure returns (Decision memory) {
        return Decision(false, reason, BasisKind.None, 0, 0, state);
    }
}
